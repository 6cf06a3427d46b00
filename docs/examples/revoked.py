"""keystonemiddleware's token cache, without what ended.

auth_token keeps a validated token for token_cache_time, 300 s, and lets it in for so long after it was
revoked. A Listener asks the identity service each second what ended, and a cached token that did is
validated anew:

    app = auth_token.AuthProtocol(application, conf)
    revoked.Listener(app).start()

Made for keystonemiddleware 13.0.1, in whose private parts it reaches (revoked.md).
"""

import collections
import datetime
import logging
import threading
import time

LOG = logging.getLogger(__name__)

EVERY = 1.0        # seconds between two questions
OVERLAP = 5        # seconds that are asked again each time, because an event is listed about two late
FAR, FAR_EVERY = 120, 30.0  # and these so often, for what was listed later than that
BLIND = 30.0       # seconds without an answer after which no cached token is let in
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"

# What an event may name, the rarest first; it is looked up by the first that it has.
NAMES = ("audit_id", "audit_chain_id", "OS-OAUTH1:access_token_id", "OS-TRUST:trust_id", "OS-OAUTH1:consumer_id",
         "user_id", "project_id", "domain_id", "role_id")


def traits(token):
    """The values that a validated token has for what events name. What it does not tell is not in it."""
    project, oauth1 = token.get("project", {}), token.get("OS-OAUTH1", {})
    known = {
        "audit_id": token["audit_ids"][:1],
        "audit_chain_id": token["audit_ids"],
        "OS-OAUTH1:access_token_id": [oauth1.get("access_token_id")],
        "OS-OAUTH1:consumer_id": [oauth1.get("consumer_id")],
        "OS-TRUST:trust_id": [token.get("OS-TRUST:trust", {}).get("id")],
        "project_id": [project.get("id")],
        "role_id": [role["id"] for role in token.get("roles", [])],
    }
    if "OS-TRUST:trust" not in token:  # a trust may stand on others, of users who are not told
        known["user_id"] = [token["user"]["id"]]
        known["domain_id"] = [d.get("id") for d in (token["user"]["domain"], project.get("domain", {}), token.get("domain", {}))]
    return known


class Ended:
    """The events of the last seconds. Matching may find a token too many, which is validated anew, never one too few."""

    def __init__(self, keep):
        self._keep, self._lock = keep, threading.Lock()
        self._heard = collections.OrderedDict()    # id: (when it was heard, event)
        self._by = collections.defaultdict(dict)   # (name, value) or name: events by id

    def add(self, event):
        with self._lock:
            if event["id"] in self._heard:
                return
            self._heard[event["id"]] = (time.monotonic(), event)
            for place in self._places(event):
                self._by[place][event["id"]] = event

    def forget(self):
        with self._lock:
            while self._heard and next(iter(self._heard.values()))[0] < time.monotonic() - self._keep:
                key, (_, event) = self._heard.popitem(last=False)
                for place in self._places(event):
                    del self._by[place][key]
                    if not self._by[place]:
                        del self._by[place]

    @staticmethod
    def _places(event):
        name = next((name for name in NAMES if name in event), None)
        return [name, (name, event[name])] if name else [None]

    def __contains__(self, token):
        known = traits(token)
        places = [None] + [name for name in NAMES if name not in known]
        places += [(name, value) for name, values in known.items() for value in values]
        with self._lock:
            return any(
                token["issued_at"] <= event["issued_before"]
                and all(event[name] in values for name, values in known.items() if name in event)
                for place in places for event in self._by.get(place, {}).values())


class Listener(threading.Thread):
    """Follows what ended for one AuthProtocol, as its own service user, who must have the role service or admin."""

    def __init__(self, app):
        super().__init__(name="revoked", daemon=True)
        self._session, self._auth, cache = app._session, app._auth, app._token_cache
        self._ended = Ended(keep=max(cache._cache_time, 0) + FAR)
        self._newest = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=max(cache._cache_time, 0))
        self._answered = self._far = float("-inf")
        self._stopped = threading.Event()
        cached = cache.get

        def get(token_id):
            if time.monotonic() - self._answered > BLIND:
                return None
            data = cached(token_id)
            return None if data and data["token"] in self._ended else data

        cache.get = get

    def run(self):
        while True:
            try:
                self.ask()
            except Exception as e:  # whatever it is: after BLIND seconds the cache is not used
                LOG.warning("what ended is not known: %s", e)
            if self._stopped.wait(EVERY):
                return

    def stop(self):
        self._stopped.set()
        self.join()

    def ask(self):
        began = time.monotonic()
        far = began - self._far > FAR_EVERY
        since = self._newest - datetime.timedelta(seconds=FAR if far else OVERLAP)
        for event in self._events(since.strftime(FORM)):
            self._ended.add(event)
            at = datetime.datetime.strptime(event["revoked_at"], FORM).replace(tzinfo=datetime.timezone.utc)
            self._newest = max(self._newest, at)
        self._answered, self._far = began, began if far else self._far
        self._ended.forget()

    def _events(self, since):
        """All pages. A token of the service user that was revoked is replaced by the session itself."""
        path = f"/OS-REVOKE/events?details=1&since={since}"
        while path:
            page = self._session.get(path, auth=self._auth, timeout=5, endpoint_filter={
                "service_type": "identity", "interface": "public", "version": (3, 0)}).json()
            yield from page["events"]
            following = page["links"]["next"]
            path = following and following[following.index("/OS-REVOKE/"):]  # to whom was asked, whatever the link says
