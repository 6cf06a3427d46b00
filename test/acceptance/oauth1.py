#!/usr/bin/env python3
"""The whole dance of OAuth1 delegation with the clients that people have.

    source .mandate/openrc && test/acceptance/oauth1.py

First with the stock `openstack` client alone: `consumer`, `request token`, `access token`, and
signing in as v3oauth1. Then a user without any power authorises: keystoneauth's plugin, loaded by
its name, and a program on requests-oauthlib that knows nothing of OpenStack are let in, and thrown
out when she takes her grant back. Needs OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME
of an administrator. What it makes it also deletes, and its names are random.
"""

import json
import os

from keystoneauth1 import exceptions, loading, session
from keystoneauth1.identity import v3
from requests_oauthlib import OAuth1Session
from requests_oauthlib.oauth1_session import TokenRequestDenied

from stock import alone, done, refused, use
from walk import run, same, say

url = os.environ["OS_AUTH_URL"].rstrip("/")
request_url, access_url = f"{url}/OS-OAUTH1/request_token", f"{url}/OS-OAUTH1/access_token"


def setting(c):
    made = {
        "project": c.get("project create web-~")["id"],
        "role": c.get("role create operator-~")["id"],
        "other": c.get("role create watcher-~")["id"],
        "ada": c.get("user create ada-~ --password secret-ada")["id"],
    }
    for role in "operator-~", "watcher-~":
        c.do(f"role add --user ada-~ --project web-~ {role}")
        c.do(f"role add --user {os.environ['OS_USERNAME']} --project web-~ {role}")
    return made


def stock(c, made):
    """Everything with the stock client, as its manual says."""
    agent = c.get("consumer create --description 'nightly backup'")
    c.do(f"consumer set {agent['id']} --description 'hourly backup'")
    shown = c.get(f"consumer show {agent['id']}")
    same((shown["description"], "secret" in shown), ("hourly backup", False), "consumer show")
    same([r["Description"] for r in c.get("consumer list") if r["ID"] == agent["id"]], ["hourly backup"], "consumer list")
    say("consumer create, set, show, list; the secret is shown once")

    keys = f"--consumer-key {agent['id']} --consumer-secret {agent['secret']}"
    asked = c.get(f"request token create {keys} --project web-~")
    c.refused(f"request token create --consumer-key {agent['id']} --consumer-secret wrong --project web-~", "401")
    say("request token create; a wrong secret is refused")

    early = f"access token create {keys} --request-key {asked['id']} --request-secret {asked['secret']} --verifier "
    c.refused(early + "abcdefgh", "401")
    verifier = c.get(f"request token authorize --request-key {asked['id']} --role operator-~")["oauth_verifier"]
    granted = c.get(early + verifier)
    c.refused(early + verifier, "404")
    say("request token authorize, access token create; neither before nor twice")

    options = ("--os-auth-type", "v3oauth1", "--os-consumer-key", agent["id"], "--os-consumer-secret", agent["secret"],
               "--os-access-key", granted["id"], "--os-access-secret", granted["secret"])

    code, answer, complaint = alone(*options, "token", "issue", "-f", "json")
    same((code, json.loads(answer or "{}").get("project_id")), (0, made["project"]), f"token issue as v3oauth1 ({complaint})")
    code, _, complaint = alone(*options, "consumer", "list")
    same((code, "403" in complaint), (1, True), f"consumer list as v3oauth1 ({complaint})")
    say("token issue --os-auth-type v3oauth1: a token for the project, with no more than was handed over")

    c.do(f"consumer delete {agent['id']}")
    c.refused(f"consumer show {agent['id']}", agent["id"])
    refused(exceptions.http.HttpError, "a token of a deleted consumer", plugin(agent, granted).get_token, session.Session())
    say("consumer delete: its access token gives no token any more")


def plugin(agent, granted):
    """keystoneauth's own plugin, found by the name that a clouds.yaml would give."""
    return loading.get_plugin_loader("v3oauth1").load_from_options(
        auth_url=url, consumer_key=agent["id"], consumer_secret=agent["secret"],
        access_key=granted["id"], access_secret=granted["secret"])


def delegated(c, made):
    """A user hands over one of her two roles, and three programs use it."""
    agent = c.get("consumer create --description 'a program'")
    ada = session.Session(auth=v3.Password(
        url, username=f"ada-{run}", password="secret-ada", user_domain_id="default", project_id=made["project"]))
    mine = f"{url}/users/{made['ada']}/OS-OAUTH1/access_tokens"
    admin = c.client_manager.session

    def asks(method="HMAC-SHA1", **more):
        return OAuth1Session(agent["id"], client_secret=agent["secret"], signature_method=method, **more)

    def dance(method):
        asking = asks(method, callback_uri="oob")
        asking.headers["Requested-Project-Id"] = made["project"]
        request = asking.fetch_request_token(request_url)
        verifier = ada.put(f"{url}/OS-OAUTH1/authorize/{request['oauth_token']}",
                           json={"roles": [{"id": made["role"]}]}).json()["token"]["oauth_verifier"]
        return asks(method, resource_owner_key=request["oauth_token"], resource_owner_secret=request["oauth_token_secret"],
                    verifier=verifier).fetch_access_token(access_url)

    def signs_in(method, granted):
        program = asks(method, resource_owner_key=granted["oauth_token"], resource_owner_secret=granted["oauth_token_secret"])
        return program.post(f"{url}/auth/tokens", json={"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}})

    tokens = []
    for method in "HMAC-SHA1", "HMAC-SHA256":
        granted = dance(method)
        reply = signs_in(method, granted)
        body = reply.json()["token"]
        same((reply.status_code, body["methods"], body["user"]["id"], body["project"]["id"], [r["id"] for r in body["roles"]]),
             (201, ["oauth1"], made["ada"], made["project"], [made["role"]]), "a token")
        same(body["OS-OAUTH1"], {"access_token_id": granted["oauth_token"], "consumer_id": agent["id"]}, "OS-OAUTH1")
        tokens.append(reply.headers["X-Subject-Token"])
        say(f"requests-oauthlib, {method}: three legs and a token for the one role that was handed over")

    forged = asks(resource_owner_key=granted["oauth_token"], resource_owner_secret="wrong")
    same(forged.post(f"{url}/auth/tokens", json={"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}}).status_code, 401, "a forgery")
    try:
        asks(callback_uri="oob").fetch_request_token(request_url)
        same("let in", "refused", "a request for no project")
    except TokenRequestDenied as e:
        same(e.status_code, 400, "a request for no project")
    say("requests-oauthlib: a forged signature is 401, a request that names no project 400")

    given = {"id": granted["oauth_token"], "secret": granted["oauth_token_secret"]}
    program = session.Session(auth=plugin(agent, given))
    access = program.auth.get_access(program)
    same((access.user_id, access.project_id, access.role_ids, access.oauth_access_token_id, access.oauth_consumer_id),
         (made["ada"], made["project"], [made["role"]], given["id"], agent["id"]), "what keystoneauth learned")
    same([p["id"] for p in program.get(f"{url}/auth/projects").json()["projects"]], [made["project"]], "its projects")
    tokens.append(program.get_token())
    say("keystoneauth, plugin v3oauth1: a token that it can read and use")

    refused(exceptions.Forbidden, "to authorise with a program's token", program.put, f"{url}/OS-OAUTH1/authorize/x", json={"roles": []})
    refused(exceptions.Forbidden, "the grants seen by a program", program.get, mine)
    refused(exceptions.Forbidden, "a trust made by a program", program.post, f"{url}/OS-TRUST/trusts", json={"trust": {
        "trustor_user_id": made["ada"], "trustee_user_id": made["ada"], "project_id": made["project"], "impersonation": False,
        "roles": [{"id": made["role"]}]}})
    say("a program neither hands on nor sees what it was given")

    def lives(token):
        return admin.get(f"{url}/auth/tokens", headers={"X-Subject-Token": token}, raise_exc=False).status_code

    listed = ada.get(mine).json()["access_tokens"]
    same((len(listed), {a["consumer_id"] for a in listed}), (2, {agent["id"]}), "her grants")
    same([r["id"] for r in ada.get(f"{mine}/{given['id']}/roles").json()["roles"]], [made["role"]], "the roles of a grant")
    same([lives(t) for t in tokens], [200, 200, 200], "tokens before")
    ada.delete(f"{mine}/{given['id']}")
    same([lives(t) for t in tokens], [200, 404, 404], "tokens after one grant was taken back")
    same(signs_in("HMAC-SHA256", granted).status_code, 404, "a program without its grant")
    say("her grants listed, one taken back: its tokens are dead in the next request, those of the other live")

    c.do(f"consumer delete {agent['id']}")
    same([lives(t) for t in tokens], [404, 404, 404], "tokens of a deleted consumer")
    same(ada.get(mine).json()["access_tokens"], [], "her grants")
    say("consumer delete: every grant to it and every token is gone")


def away(c):
    c.do("user delete ada-~")
    c.do("role delete operator-~ watcher-~")
    c.do("project delete web-~")
    say("what was made is deleted")


def dance(c):
    made = setting(c)
    say("two roles, a project, a user who holds both, an administrator who does too")
    stock(c, made)
    delegated(c, made)
    away(c)
    done()


use(dance)
