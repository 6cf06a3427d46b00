"""What schemathesis needs to know of this service: how an administrator gets a token, again when a request
that was tried has ended hers, and what must stay because she stands on it. Ids that answers showed are tried
in other requests, deletions too, so without this the run would soon meet nothing but 401."""

import os

import requests
import schemathesis

URL = os.environ["OS_AUTH_URL"]
LOGIN = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {
                    "name": os.environ["OS_USERNAME"],
                    "domain": {"name": os.environ["OS_USER_DOMAIN_NAME"]},
                    "password": os.environ["OS_PASSWORD"],
                }
            },
        },
        "scope": {
            "project": {
                "name": os.environ["OS_PROJECT_NAME"],
                "domain": {"name": os.environ["OS_PROJECT_DOMAIN_NAME"]},
            }
        },
    }
}


class Administrator:
    def __init__(self):
        self.token, self.stands_on = None, set()

    def login(self):
        answer = requests.post(URL + "/auth/tokens", json=LOGIN, timeout=20)
        answer.raise_for_status()
        self.token = answer.headers["X-Subject-Token"]
        token = answer.json()["token"]
        self.stands_on = {
            token["user"]["id"],
            token["user"]["domain"]["id"],
            token["project"]["id"],
            *(role["id"] for role in token["roles"]),
        }

    def lives(self):
        answer = requests.get(URL + "/auth/projects", headers={"X-Auth-Token": self.token}, timeout=20)
        return answer.status_code == 200


administrator = Administrator()


@schemathesis.auth(refresh_interval=None)
class ByToken:
    def get(self, case, ctx):
        if administrator.token is None:
            administrator.login()
        return administrator

    def set(self, case, data, ctx):
        case.headers = {**(case.headers or {}), "X-Auth-Token": data.token}


@schemathesis.hook
def filter_case(ctx, case):
    if case.method.upper() in ("GET", "HEAD"):
        return True
    if not administrator.stands_on:
        administrator.login()
    return administrator.stands_on.isdisjoint(str(v) for v in (case.path_parameters or {}).values())


@schemathesis.hook
def after_call(ctx, case, response):
    if response.status_code == 401 and not administrator.lives():
        administrator.login()
