"""Writes passwords.json: hashes as Keystone has written them over the years.

Run once by hand; the vectors are what counts. The hashes marked "keystone" come from
keystone 30.0.0's own keystone.common.password_hashing (bcrypt 5.0.0, cryptography
50.0.2), those marked "passlib" from passlib 1.7.4 (bcrypt 4.0.1), which Keystone used
before 2025:

    pip install keystone==30.0.0                 && python passwords.py keystone >a
    pip install passlib==1.7.4 bcrypt==4.0.1     && python passwords.py passlib >b
    jq -s add a b >passwords.json
"""

import json
import sys

ORDINARY = "correct horse battery staple"
UNICODE = "пароль-Ünïcode-パスワード"
EXACT = "0123456789ab" * 6  # 72 bytes, all that bcrypt sees
OVER = EXACT + "tail"
HUGE = "x" * 4096 + "tail"  # Keystone cuts at 4,096 bytes

vectors = []


def add(by, name, password, hashed):
    vectors.append({"name": f"{by} {name}", "password": password, "hash": hashed})


def keystone():
    import keystone.conf
    from keystone.common import password_hashing

    keystone.conf.configure()
    conf = keystone.conf.CONF
    conf([], project="keystone", default_config_files=[])

    def one(algorithm, name, password, **options):
        conf.set_override("password_hash_algorithm", algorithm, "identity")
        for key, value in options.items():
            conf.set_override(key, value, "identity")
        hashed = password_hashing.hash_password(password)
        assert password_hashing.check_password(password, hashed)
        assert not password_hashing.check_password("wrong", hashed)
        for key in options:
            conf.clear_override(key, "identity")
        add("keystone", name, password, hashed)

    one("bcrypt", "bcrypt as configured by default", ORDINARY)
    for name, password in (("empty", ""), ("unicode", UNICODE), ("72 bytes", EXACT), ("76 bytes", OVER)):
        one("bcrypt", f"bcrypt {name}", password, password_hash_rounds=4)
    one("bcrypt_sha256", "bcrypt_sha256 as configured by default", ORDINARY)
    for name, password in (("empty", ""), ("unicode", UNICODE), ("76 bytes", OVER), ("4100 bytes", HUGE)):
        one("bcrypt_sha256", f"bcrypt_sha256 {name}", password, password_hash_rounds=10)
    one("scrypt", "scrypt as configured by default", ORDINARY)
    one("scrypt", "scrypt other parameters", UNICODE, scrypt_block_size=2, scrypt_parallelism=3, salt_bytesize=33)
    one("scrypt", "scrypt 4100 bytes", HUGE, scrypt_block_size=2)
    one("pbkdf2_sha512", "pbkdf2_sha512 as configured by default", ORDINARY)
    for name, password in (("empty", ""), ("unicode", UNICODE), ("4100 bytes", HUGE)):
        one("pbkdf2_sha512", f"pbkdf2_sha512 {name}", password, password_hash_rounds=10, salt_bytesize=7)


def passlib():
    from passlib.hash import bcrypt, bcrypt_sha256, pbkdf2_sha512, scrypt

    add("passlib", "bcrypt", ORDINARY, bcrypt.using(rounds=4).hash(ORDINARY))
    add("passlib", "bcrypt 2a", ORDINARY, bcrypt.using(rounds=4, ident="2a").hash(ORDINARY))
    add("passlib", "bcrypt 2y", ORDINARY, bcrypt.using(rounds=4, ident="2y").hash(ORDINARY))
    add("passlib", "bcrypt 76 bytes", OVER, bcrypt.using(rounds=4).hash(OVER))
    add("passlib", "bcrypt_sha256", ORDINARY, bcrypt_sha256.using(rounds=4).hash(ORDINARY))
    add("passlib", "bcrypt_sha256 unicode", UNICODE, bcrypt_sha256.using(rounds=10).hash(UNICODE))
    add("passlib", "scrypt", ORDINARY, scrypt.using(rounds=5, block_size=4, parallelism=2).hash(ORDINARY))
    add("passlib", "pbkdf2_sha512", ORDINARY, pbkdf2_sha512.using(rounds=10).hash(ORDINARY))
    while True:  # passlib writes "." where base64 has "+"
        hashed = pbkdf2_sha512.using(rounds=10).hash(UNICODE)
        if "." in hashed.split("$")[3] and "." in hashed.split("$")[4]:
            break
    add("passlib", "pbkdf2_sha512 with dots", UNICODE, hashed)


{"keystone": keystone, "passlib": passlib}[sys.argv[1]]()
json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
