#!/usr/bin/env python3
"""Walk through a delegation over plain HTTP, as any program would.

    flow.py http://127.0.0.1:3101

Discovery, login, a trust, its use and validation, its deletion, and then its token, which
must be dead in the very next request. ADMIN_PASSWORD is that of the user admin. With
TABLE and DYNAMODB_ENDPOINT it also waits until the table's stream has reached `cascade`:
the row of the dead token is marked, which nothing but that function does. The first check
that fails ends it with exit code 1.
"""
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request

BASE = sys.argv[1].rstrip("/")
RUN = secrets.token_hex(4)
BEGAN = time.monotonic()
STREAM_WITHIN = 60  # seconds; emulators poll once a second or slower


def call(method, path, want, token=None, subject=None, body=None):
    """Send one request; return headers and body of a reply with the status that it must have."""
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if token:
        headers["X-Auth-Token"] = token
    if subject:
        headers["X-Subject-Token"] = subject
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            status, got, text = reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as refusal:
        status, got, text = refusal.code, refusal.headers, refusal.read()
    if status != want:
        sys.exit(f"FAILED: {method} {path} answered {status} instead of {want}: {text.decode(errors='replace')[:500]}")
    return got, (json.loads(text) if text else None)


def check(holds, what):
    if not holds:
        sys.exit(f"FAILED: {what}")


def say(text):
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def login(name, password, scope):
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope:
        auth["scope"] = scope
    headers, _ = call("POST", "/v3/auth/tokens", 201, body={"auth": auth})
    return headers["X-Subject-Token"]


def make(kind, collection, admin, **fields):
    _, made = call("POST", f"/v3/{collection}", 201, admin, body={kind: fields})
    return made[kind]["id"]


def main():
    _, found = call("GET", "/v3", 200)
    check(found["version"]["id"].startswith("v3."), "discovery names version 3")
    link = found["version"]["links"][0]["href"]
    say(f"discovery: {found['version']['id']}, at {link}")

    admin_project = {"project": {"name": "admin", "domain": {"id": "default"}}}
    admin = login("admin", os.environ["ADMIN_PASSWORD"], admin_project)
    say("login: the administrator")

    project = make("project", "projects", admin, name=f"web-{RUN}")
    role = make("role", "roles", admin, name=f"deployer-{RUN}")
    ada = make("user", "users", admin, name=f"ada-{RUN}", password="secret-ada")
    bob = make("user", "users", admin, name=f"bob-{RUN}", password="secret-bob")
    call("PUT", f"/v3/projects/{project}/users/{ada}/roles/{role}", 204, admin)
    say("two users, a project, a role and its grant")

    ada_token = login(f"ada-{RUN}", "secret-ada", {"project": {"id": project}})
    _, made = call("POST", "/v3/OS-TRUST/trusts", 201, ada_token, body={"trust": {
        "trustor_user_id": ada, "trustee_user_id": bob, "project_id": project,
        "impersonation": True, "roles": [{"id": role}]}})
    trust = made["trust"]["id"]
    say("a trust from one to the other")

    token = login(f"bob-{RUN}", "secret-bob", {"OS-TRUST:trust": {"id": trust}})
    _, seen = call("GET", "/v3/auth/tokens", 200, admin, token)
    check(seen["token"]["user"]["id"] == ada, "the trustee acts as the trustor")
    check(seen["token"]["OS-TRUST:trust"]["id"] == trust, "the token is of the trust")
    check([r["id"] for r in seen["token"]["roles"]] == [role], "the token has the delegated role")
    headers, nothing = call("HEAD", "/v3/auth/tokens", 200, admin, token)
    check(nothing is None, "HEAD has no body")
    audit = seen["token"]["audit_ids"][0]
    say("a token of the trust, validated by GET and HEAD")

    call("DELETE", f"/v3/OS-TRUST/trusts/{trust}", 204, ada_token)
    call("GET", "/v3/auth/tokens", 404, admin, token)
    call("GET", "/v3/auth/catalog", 401, token)
    say("the trust is deleted: in the next request its token is 404 as subject, 401 as caller")

    call("GET", "/v3/auth/tokens", 200, admin, ada_token)
    _, refusal = call("GET", "/v3/nothing", 404, admin)
    check(refusal["error"]["code"] == 404, "an unknown path has the common envelope")
    say("another token lives; an unknown path is 404 in the common envelope")

    if os.environ.get("TABLE"):
        follow(trust)
    print("flow passed", flush=True)


def follow(trust):
    """Wait until cascade has marked the token rows of a trust."""
    import boto3  # the emulators' environments have it

    table = boto3.resource("dynamodb", endpoint_url=os.environ["DYNAMODB_ENDPOINT"], region_name="us-east-1",
                           aws_access_key_id="test", aws_secret_access_key="test").Table(os.environ["TABLE"])
    began = time.monotonic()
    while True:
        rows = table.query(IndexName="index2", KeyConditionExpression="i2 = :t",
                           ExpressionAttributeValues={":t": f"TRUST#{trust}"})["Items"]
        check(rows, "the trust has a token row")
        if all(row.get("dead") for row in rows):
            break
        check(time.monotonic() - began < STREAM_WITHIN, f"the stream reached cascade within {STREAM_WITHIN} s")
        time.sleep(0.5)
    say(f"the stream has reached cascade: {len(rows)} token row marked {time.monotonic() - began:.1f} s later")


main()
