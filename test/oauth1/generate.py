"""Writes signed requests as oauthlib makes them, one JSON object a line.

usage: generate.py COUNT [SEED]

Each line has what went in (method, url, secrets), the header that oauthlib wrote, and the
base string and signature that it computed. shared/oauth1 must come to the same.
"""

import json
import random
import sys

from oauthlib import oauth1
from oauthlib.oauth1.rfc5849 import signature, utils

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ODD = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~éßΩ中🙂\t"


def text(r, longest, odd=0.3, least=0):
    return "".join(r.choice(ODD if r.random() < odd else PLAIN) for _ in range(r.randint(least, longest)))


def mixed_case(r, s):
    return "".join(r.choice((c.lower(), c.upper())) for c in s)


def url(r):
    scheme = r.choice(("http", "https"))
    host = r.choice(("localhost", "id.example.org", "127.0.0.1", "a1b2c3.execute-api.eu-west-1.amazonaws.com"))
    port = r.choice(("", "", ":80", ":443", ":5000", ":8443"))
    path = r.choice(("/v3/OS-OAUTH1/request_token", "/v3/OS-OAUTH1/access_token", "/prod/v3/auth/tokens", "/v3/auth/tokens/", "/", ""))
    if r.random() < 0.2:
        path += "/" + utils.escape(text(r, 8))
    query = "&".join(
        utils.escape("q" + text(r, 6)) + r.choice(("=", "")) + (utils.escape(text(r, 8)).replace("%20", "+") if r.random() < 0.7 else "")
        for _ in range(r.choice((0, 0, 0, 1, 2, 4)))
    )
    if r.random() < 0.3:
        scheme, host = mixed_case(r, scheme), mixed_case(r, host)
    return scheme + "://" + host + port + path + ("?" + query if query else "")


def vector(r):
    method = r.choice((oauth1.SIGNATURE_HMAC_SHA1, oauth1.SIGNATURE_HMAC_SHA256, oauth1.SIGNATURE_PLAINTEXT, oauth1.SIGNATURE_HMAC_SHA1))
    token = r.random() < 0.6
    v = {
        "method": r.choice(("POST", "GET", "PUT", "delete")),
        "url": url(r),
        "consumer_secret": text(r, 40),
        "token_secret": text(r, 40) if token else "",
    }
    client = oauth1.Client(
        text(r, 40, 0.1, 1),
        client_secret=v["consumer_secret"],
        resource_owner_key=text(r, 40, 0.1, 1) if token else None,
        resource_owner_secret=v["token_secret"] if token else None,
        callback_uri=r.choice((None, "oob", "http://example.com/cb?" + text(r, 10))),
        verifier=text(r, 8, 0.1, 1) if token and r.random() < 0.5 else None,
        realm=None,
        signature_method=method,
        nonce=text(r, 30, 0.2, 1),
        timestamp=str(r.randint(1_000_000_000, 2_000_000_000)),
    )
    uri, headers, _ = client.sign(v["url"], v["method"])
    header = headers["Authorization"]
    if r.random() < 0.1:
        header = header.replace("OAuth ", 'OAuth realm="' + utils.escape(text(r, 8)) + '", ', 1)
    collected = signature.collect_parameters(
        uri_query=uri.partition("?")[2], headers={"Authorization": header}, exclude_oauth_signature=True, with_realm=False
    )
    v["header"] = header
    v["base"] = signature.signature_base_string(
        v["method"], signature.base_string_uri(uri), signature.normalize_parameters(collected)
    )
    v["signature_method"] = method
    v["signature"] = dict(oauth1.rfc5849.utils.parse_authorization_header(header))["oauth_signature"]
    v["signature"] = utils.unescape(v["signature"])
    return v


def main():
    r = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for _ in range(int(sys.argv[1])):
        print(json.dumps(vector(r), ensure_ascii=True))


if __name__ == "__main__":
    main()
