#!/usr/bin/env python3
"""keystonemiddleware's auth_token before a small WSGI application, as every OpenStack service has it.

    source .mandate/openrc && test/acceptance/middleware.py

An administrator makes a service user, two users, a project, a role and a trust. The application then
lets in who the middleware lets in: a valid token, a trust's token, an expired token beside a service's
token; and nobody with a garbled, expired or revoked one. The middleware's own cache is off, because its
default of 300 s would show a revoked token as valid; then it is on, with the listener of
docs/examples/revoked.py and without. Needs the OS_* variables of an administrator, and
TOKEN_EXPIRATION seconds of the service in the same variable if expiry is to be tried (2 to 10); without
it the cache is.
"""

import os
import pathlib
import sys
import time

import webob
from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystonemiddleware import auth_token

from walk import fail, run, same, say

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "docs" / "examples"))
import revoked  # noqa: E402

url = os.environ["OS_AUTH_URL"]
life = int(os.environ.get("TOKEN_EXPIRATION", "0"))


def password(name, secret, **scope):
    return v3.Password(url, username=name, password=secret, user_domain_id="default", **scope)


admin = session.Session(auth=password(
    os.environ["OS_USERNAME"], os.environ["OS_PASSWORD"], project_name=os.environ["OS_PROJECT_NAME"], project_domain_id="default"))
made = []


def post(path, member, **attributes):
    body = admin.post(f"{url}{path}", json={member: attributes}).json()[member]
    made.append(f"{url}{path}/{body['id']}")
    return body["id"]


def token(name, secret, **scope):
    return password(name, secret, **scope).get_token(session.Session())


project = post("/projects", "project", name=f"web-{run}")
role = post("/roles", "role", name=f"operator-{run}")
ada = post("/users", "user", name=f"ada-{run}", password="secret-ada")
bob = post("/users", "user", name=f"bob-{run}", password="secret-bob")
glance = post("/users", "user", name=f"glance-{run}", password="secret-glance")
service_role = admin.get(f"{url}/roles?name=service").json()["roles"][0]["id"]
for user, held in ((ada, role), (glance, service_role)):
    admin.put(f"{url}/projects/{project}/users/{user}/roles/{held}")
say("an administrator made a project, a role, two users and a service")


def application(environ, start_response):
    """Answers what the middleware says of the caller."""
    body = " ".join([environ["HTTP_X_IDENTITY_STATUS"], environ.get("HTTP_X_USER_ID", "-"), environ.get("HTTP_X_PROJECT_ID", "-")])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]


def protect(cache_time):
    return auth_token.AuthProtocol(application, {
        "auth_type": "password", "auth_url": url, "username": f"glance-{run}", "password": "secret-glance",
        "user_domain_id": "default", "project_id": project, "www_authenticate_uri": url, "delay_auth_decision": False,
        "token_cache_time": cache_time, "service_token_roles": "service", "service_token_roles_required": True,
    })


app = protect(-1)


def ask(user_token=None, service_token=None, app=app):
    request = webob.Request.blank("/")
    if user_token:
        request.headers["X-Auth-Token"] = user_token
    if service_token:
        request.headers["X-Service-Token"] = service_token
    response = request.get_response(app)
    return response.status_int, response.text, response.headers.get("WWW-Authenticate")


valid = token(f"ada-{run}", "secret-ada", project_id=project)
same(ask(valid)[:2], (200, f"Confirmed {ada} {project}"), "a valid token")
say("a valid token is let in, with user and project")

same(ask()[0], 401, "no token")
same(ask("garbled")[0], 401, "a garbled token")
say("no token and a garbled one are not")

trust = session.Session(auth=v3.Token(url, valid, project_id=project)).post(f"{url}/OS-TRUST/trusts", json={"trust": {
    "trustor_user_id": ada, "trustee_user_id": bob, "project_id": project, "impersonation": True, "roles": [{"id": role}],
}}).json()["trust"]["id"]
delegated = token(f"bob-{run}", "secret-bob", trust_id=trust)
same(ask(delegated)[:2], (200, f"Confirmed {ada} {project}"), "a trust's token")
say("a trust's token is let in as the trustor")

admin.delete(f"{url}/OS-TRUST/trusts/{trust}")
same(ask(delegated)[0], 401, "a token of a deleted trust")
say("a token of a deleted trust is not, at once")

admin.delete(f"{url}/auth/tokens", headers={"X-Subject-Token": valid})
same(ask(valid)[0], 401, "a revoked token")
say("a revoked token is not, at once")


def within(seconds, what, done):
    """Waits until it is so, and says how long it took."""
    start = time.monotonic()
    while not done():
        if time.monotonic() - start > seconds:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - start


def validations(protected):
    """Counts how often an application asks the service about a token."""
    count, verify = [0], protected._identity_server.verify_token

    def counted(*args, **kwargs):
        count[0] += 1
        return verify(*args, **kwargs)

    protected._identity_server.verify_token = counted
    return count


def cached_tokens():
    """Two applications that keep tokens; one of them listens to what ended."""
    late, listening = protect(300), protect(300)
    listener = revoked.Listener(listening)
    listener.ask()
    listener.start()
    asked = validations(listening)
    cached, other = (token(f"ada-{run}", "secret-ada", project_id=project) for _ in range(2))
    for application_that_keeps in (late, listening):
        for one in (cached, other):
            same(ask(one, app=application_that_keeps)[0], 200, "a token that will be cached")
    known = asked[0]
    same(ask(cached, app=listening)[0], 200, "a cached token")
    same(asked[0], known, "validations of a cached token")
    admin.delete(f"{url}/auth/tokens", headers={"X-Subject-Token": cached})
    took = within(4, "a cached token that was revoked is refused", lambda: ask(cached, app=listening)[0] == 401)
    same(ask(cached, app=late)[0], 200, "the same token, cached where nobody listens")
    say(f"a cached token is refused {took:.1f} s after it was revoked, with a listener; without one it is let in")
    known = asked[0]
    same(ask(other, app=listening)[0], 200, "another cached token of the same user")
    same(asked[0], known, "validations of a token that did not end")
    say("another token of the same user is still answered from the cache")

    admin.post(f"{url}/users/{ada}/password", json={"user": {"original_password": "secret-ada", "password": "secret-ada-2"}},
               authenticated=False)
    admin.patch(f"{url}/users/{ada}", json={"user": {"password": "secret-ada"}})
    took = within(4, "a cached token of before a changed password is refused", lambda: ask(other, app=listening)[0] == 401)
    say(f"after a changed password too, in {took:.1f} s")
    listener.stop()


if life:
    old = token(f"ada-{run}", "secret-ada", project_id=project)
    same(ask(old)[0], 200, "a fresh token")
    while session.Session().get(f"{url}/auth/tokens", headers={"X-Auth-Token": old, "X-Subject-Token": old}, raise_exc=False).status_code == 200:
        time.sleep(0.2)
    same(ask(old)[0], 401, "an expired token")
    say("an expired token is not")
    service = token(f"glance-{run}", "secret-glance", project_id=project)
    same(ask(old, service)[:2], (200, f"Confirmed {ada} {project}"), "an expired token beside a service's")
    say("beside a service's token it is (allow_expired)")
    same(ask(old, token(f"bob-{run}", "secret-bob"))[0], 401, "an expired token beside a user's")
    say("beside another user's token it is not")
    admin.invalidate()
else:  # tokens live long enough to be cached
    cached_tokens()

for resource in reversed(made):
    admin.delete(resource)
say("everything that was made is deleted")
