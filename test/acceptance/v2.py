#!/usr/bin/env python3
"""The v2.0 token API, as old clients use it: keystoneauth's v2 plugins and keystoneclient.v2_0.

    source .mandate/openrc && test/acceptance/v2.py

An administrator makes, by v3, two users, a project, a role and a trust. Then everything is done
by v2.0: signing in by password, by token, for a tenant and by the trust; validating, listing
tenants and endpoints, revoking. Tokens of each API are shown to the other. Needs OS_AUTH_URL,
OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME of an administrator. What it makes it also deletes,
and its names are random. The first check that fails ends it with exit code 1.
"""

import os

from keystoneauth1 import exceptions, session
from keystoneauth1.identity import generic, v2, v3
from keystoneclient import exceptions as client_exceptions
from keystoneclient.v2_0 import client

from walk import fail, passed, run, same, say

root = os.environ["OS_AUTH_URL"].rstrip("/").removesuffix("/v3")
def refused(error, what, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error:
        return
    fail(f"{what}: it was not refused with {error.__name__}")


def sign_in(**by):
    """Sign in by v2.0: a session, and what its plugin learned of the token."""
    made = session.Session(auth=(v2.Token if "token" in by else v2.Password)(f"{root}/v2.0", **by))
    return made, made.auth.get_access(made)


def v2_client(made):
    return client.Client(session=made, endpoint_override=f"{root}/v2.0")


admin = session.Session(auth=v3.Password(
    f"{root}/v3", username=os.environ["OS_USERNAME"], password=os.environ["OS_PASSWORD"],
    project_name=os.environ["OS_PROJECT_NAME"], user_domain_id="default", project_domain_id="default"))


def create(collection, member, **attributes):
    reply = admin.post(f"{root}/v3/{collection}", json={member: attributes}).json()
    cleanup.append(f"{root}/v3/{collection}/{reply[member]['id']}")
    return reply[member]["id"]


def walk():
    project = create("projects", "project", name=f"web-{run}", description="the site")
    ada = create("users", "user", name=f"ada-{run}", password="secret-ada")
    bob = create("users", "user", name=f"bob-{run}", password="secret-bob")
    role = create("roles", "role", name=f"operator-{run}")
    admin.put(f"{root}/v3/projects/{project}/users/{ada}/roles/{role}")

    versions = [v["id"] for v in session.Session().get(f"{root}/", redirect=False, raise_exc=False).json()["versions"]["values"]]
    same("v2.0" in versions, True, "discovery")
    same(session.Session().get(f"{root}/v2.0").json()["version"]["status"], "deprecated", "the version document")
    say("v2.0 is announced, as deprecated")

    unscoped, access = sign_in(username=f"ada-{run}", password="secret-ada")
    same((access.user_id, access.scoped, access.project_id), (ada, False, None), "an unscoped token")
    say("password: an unscoped token")

    same([t.name for t in v2_client(unscoped).tenants.list()], [f"web-{run}"], "tenants")
    same([t.name for t in v2_client(unscoped).tenants.list(limit=1, marker=project)], [], "tenants after the last one")
    say("keystoneclient lists the tenants to choose from")

    scoped, access = sign_in(username=f"ada-{run}", password="secret-ada", tenant_name=f"web-{run}")
    same((access.project_id, access.role_names, access.role_ids), (project, [f"operator-{run}"], [role]), "a token for a tenant")
    same(access.service_catalog.url_for(service_type="identity", interface="public").startswith(root), True, "the catalog")
    same(access.will_expire_soon(), False, "the expiry")
    say("password and tenant name: its roles, and a catalog that the client can read")

    _, by_id = sign_in(user_id=ada, password="secret-ada", tenant_id=project)
    same(by_id.project_id, project, "a token by ids")
    say("user id and tenant id")

    rescoped, access = sign_in(token=unscoped.get_token(), tenant_id=project)
    same((access.user_id, access.project_id, len(access._data["access"]["token"]["audit_ids"])), (ada, project, 2), "a token by token")
    say("token and tenant: derived from the first")

    chosen = session.Session(auth=generic.Password(root, username=f"ada-{run}", password="secret-ada", tenant_id=project))
    same(chosen.get_project_id(), project, "the generic plugin")
    same(type(chosen.auth._plugin).__module__, "keystoneauth1.identity.v2", "what it found by itself")
    say("the generic plugin finds v2.0 by itself where no domain is named")

    for what, by in {"a wrong password": {"username": f"ada-{run}", "password": "wrong"},
                     "a tenant without a role": {"username": f"bob-{run}", "password": "secret-bob", "tenant_id": project},
                     "a token that is none": {"token": "garbage"}}.items():
        refused(exceptions.Unauthorized, what, sign_in, **by)
    say("a wrong password, a tenant without a role, a garbled token: 401")

    trust = scoped.post(f"{root}/v3/OS-TRUST/trusts", json={"trust": {
        "trustor_user_id": ada, "trustee_user_id": bob, "project_id": project, "impersonation": True,
        "remaining_uses": 2, "roles": [{"id": role}]}}).json()["trust"]["id"]
    say("a v2.0 token makes a trust by v3")
    bobs, _ = sign_in(username=f"bob-{run}", password="secret-bob")
    delegated, access = sign_in(token=bobs.get_token(), trust_id=trust, tenant_id=project)
    same((access.trust_id, access.trust_scoped, access.user_id, access.trustee_user_id, access.role_names),
         (trust, True, ada, bob, [f"operator-{run}"]), "a token by trust")
    say("token and trust: the trustor is impersonated")
    _, access = sign_in(username=f"bob-{run}", password="secret-bob", trust_id=trust, tenant_id=project)
    same(access.trust_id, trust, "password and trust")
    refused(exceptions.Forbidden, "a trust that is used up", sign_in, token=bobs.get_token(), trust_id=trust, tenant_id=project)
    say("password and trust takes the last use; after it 403")

    admins = session.Session(auth=v2.Password(f"{root}/v2.0", username=os.environ["OS_USERNAME"],
                                              password=os.environ["OS_PASSWORD"], tenant_name=os.environ["OS_PROJECT_NAME"]))
    asking = v2_client(admins).tokens
    same(asking.validate(scoped.get_token()).tenant["id"], project, "a validation")
    same(asking.validate_access_info(delegated.get_token()).trust_id, trust, "a validation of a trust's token")
    refused(client_exceptions.Forbidden, "validation by a plain user", v2_client(scoped).tokens.validate, unscoped.get_token())
    refused(client_exceptions.NotFound, "validation of a garbled token", asking.validate, "garbage")
    say("keystoneclient validates as an admin; a plain user gets 403, a garbled token is 404")
    endpoints = admins.get(f"{root}/v2.0/tokens/{scoped.get_token()}/endpoints").json()["endpoints"]
    same([e["type"] for e in endpoints], ["identity"], "the endpoints of a token")
    say("the endpoints of a token")

    shown = admin.get(f"{root}/v3/auth/tokens", headers={"X-Subject-Token": rescoped.get_token()}).json()["token"]
    same((shown["project"]["id"], shown["user"]["id"]), (project, ada), "a v2.0 token in v3")
    same(asking.validate(admin.get_token()).tenant["name"], os.environ["OS_PROJECT_NAME"], "a v3 token in v2.0")
    say("each API validates the other's tokens")

    asking.delete(unscoped.get_token())
    refused(client_exceptions.NotFound, "validation of a revoked token", asking.validate, unscoped.get_token())
    refused(client_exceptions.NotFound, "validation of what was derived from it", asking.validate, rescoped.get_token())
    refused(client_exceptions.NotFound, "revoking it again", asking.delete, unscoped.get_token())
    gone = admin.get(f"{root}/v3/auth/tokens", headers={"X-Subject-Token": rescoped.get_token()}, raise_exc=False)
    same(gone.status_code, 404, "the revoked token in v3")
    say("a revoked token is gone for both, with what was derived from it")

    admin.delete(f"{root}/v3/auth/tokens", headers={"X-Subject-Token": scoped.get_token()})
    refused(client_exceptions.NotFound, "a token that v3 revoked", asking.validate, scoped.get_token())
    say("what v3 revokes is gone for v2.0")


cleanup = []
try:
    walk()
finally:
    for url in reversed(cleanup):
        admin.delete(url)
passed()
