#!/usr/bin/env python3
"""The pages for people, in a real browser: consent to a program, and the list of delegations.

    source .mandate/openrc && test/acceptance/browser.sh

An administrator makes people, a project, roles and a program. Then everything is done as people
do it: signing in, choosing roles, copying the code, refusing, revoking; with the mouse, with the
keyboard alone, on a phone, light and dark. The program is requests-oauthlib; what it gets for a
code is looked at, and must be dead in the next request once it was revoked. axe-core looks at
every page. Needs OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME of an administrator,
CHROMIUM and AXE (see browser.sh). SCREENSHOTS=folder writes pictures there. The service's request tokens should
not live long (OAUTH1_REQUEST_TOKEN_EXPIRATION=45), because one is waited for until it has expired.
The first check that fails ends it with exit code 1.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import requests
from playwright.sync_api import expect, sync_playwright
from requests_oauthlib import OAuth1, OAuth1Session

from walk import fail, passed, run, same, say, seconds

root = os.environ["OS_AUTH_URL"].rstrip("/").removesuffix("/v3")
v3 = root + "/v3"
axe = Path(os.environ["AXE"]).read_text()
pictures = os.environ.get("SCREENSHOTS")
tail = "" if pictures else f"-{run}"  # of names; on pictures they are plain, and the service has to be new


# The administrator, by the API.

def call(want, method, path, token=None, **kwargs):
    reply = requests.request(method, v3 + path, headers={"X-Auth-Token": token} if token else {}, timeout=30, **kwargs)
    if reply.status_code != want:
        fail(f"{method} {path} answered {reply.status_code} instead of {want}: {reply.text}")
    return reply


def sign_in(name, password, **scope):
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope:
        auth["scope"] = scope
    return call(201, "POST", "/auth/tokens", json={"auth": auth}).headers["X-Subject-Token"]


admin = sign_in(os.environ["OS_USERNAME"], os.environ["OS_PASSWORD"],
                project={"name": os.environ["OS_PROJECT_NAME"], "domain": {"id": "default"}})


def made(path, kind, **attributes):
    return call(201, "POST", path, admin, json={kind: attributes}).json()[kind]


ada, bob, cleo = (f"{name}{tail}" for name in ("ada", "bob", "cleo"))
people = {name: made("/users", "user", name=name, password=f"secret-{name}")["id"] for name in (ada, bob, cleo)}
project = made("/projects", "project", name=f"web-shop{tail}")["id"]
operator = made("/roles", "role", name=f"operator{tail}", description="Starts, stops and updates servers")["id"]
observer = made("/roles", "role", name=f"observer{tail}", description="Looks at everything, changes nothing")["id"]
backup = made("/roles", "role", name=f"backup{tail}", description="Reads and writes snapshots")["id"]
call(201, "PUT", f"/roles/{operator}/implies/{observer}", admin)
for role in (operator, backup):
    call(204, "PUT", f"/projects/{project}/users/{people[ada]}/roles/{role}", admin)
consumer = made("/OS-OAUTH1/consumers", "consumer", description="Nightly backup agent")


# The program.

def program(**more):
    return OAuth1Session(consumer["id"], client_secret=consumer["secret"], callback_uri="oob", **more)


def request_token():
    """What the program got: its request token and that one's secret."""
    got = program().fetch_request_token(f"{v3}/OS-OAUTH1/request_token", headers={"Requested-Project-Id": project})
    return got["oauth_token"], got["oauth_token_secret"]


def address(request):
    return f"{v3}/OS-OAUTH1/authorize/{request[0]}"


def exchange(request, code):
    session = program(resource_owner_key=request[0], resource_owner_secret=request[1], verifier=code)
    got = session.fetch_access_token(f"{v3}/OS-OAUTH1/access_token")
    return got["oauth_token"], got["oauth_token_secret"]


def token_of(access):
    """The identity token that the program has for an access token, and what it says."""
    signed = OAuth1(consumer["id"], consumer["secret"], access[0], access[1])
    reply = requests.post(f"{v3}/auth/tokens", auth=signed, timeout=30,
                          json={"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}})
    same(reply.status_code, 201, "a token by OAuth1")
    return reply.headers["X-Subject-Token"], reply.json()["token"]


def alive(token):
    return requests.get(f"{v3}/auth/catalog", headers={"X-Auth-Token": token}, timeout=30).status_code


# The browser.

def watched(page):
    """Everything that the browser refuses or misses is a mistake of ours; so is asking anybody else."""
    def complain(what):
        if "status of 4" not in what:  # a page that says what is wrong
            page.complaints.append(what)
    page.complaints = []
    page.on("console", lambda m: complain(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complain(str(e)))
    page.on("request", lambda r: complain(f"asks for {r.url}") if urlsplit(r.url).netloc != urlsplit(root).netloc else None)
    return page


def accessible(page, what):
    """axe-core finds nothing serious, whatever the colours; and nothing is wider than the screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations.map(v => [v.impact, v.id, v.nodes.map(n => n.target.join(' ')).join(', ')])")
        if found:
            fail(f"{what}, {scheme}: {found}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        same(wide, 0, f"{what}, {scheme}: pixels that do not fit")
    page.emulate_media(color_scheme="light")
    same(page.complaints, [], f"{what}: what the browser complained about")


def picture(page, name, **media):
    if pictures:
        page.emulate_media(**media)
        page.screenshot(path=Path(pictures) / f"{name}.png", full_page=True)
        page.emulate_media(color_scheme="light")


def fill_in(page, name, password):
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def heading(page, text):
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def code_of(page):
    heading(page, "One more step")
    return page.get_by_role("status", name="Verification code").inner_text()


def grant(page, request, *roles):
    page.goto(address(request))
    for role in roles:
        page.get_by_role("checkbox", name=role).check()
    page.get_by_role("button", name="Grant access").click()
    return code_of(page)


desktop = {"viewport": {"width": 960, "height": 760}, "color_scheme": "light"}
phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True, "color_scheme": "light"}


def everything(browser):
    late = request_token()  # nobody decides about this one
    page = watched(browser.new_context(**desktop).new_page())

    first = request_token()
    page.goto(address(first))
    heading(page, "Sign in")
    accessible(page, "sign-in page")
    fill_in(page, ada, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Check user name, domain and password")
    expect(page.get_by_label("User name")).to_have_value(ada)
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    accessible(page, "sign-in page after a wrong password")
    say("a wrong password is not let in, and said to be so")

    fill_in(page, ada, f"secret-{ada}")
    heading(page, "Nightly backup agent")
    same(page.url, address(first), "where signing in leads")
    expect(page.get_by_text(f"web-shop{tail}")).to_be_visible()
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(3)
    for n in range(3):
        expect(boxes.nth(n)).not_to_be_checked()
    accessible(page, "consent page")
    say("signed in, she is shown the program, the project and her roles, none chosen")

    page.get_by_role("checkbox", name=f"backup{tail}").check()
    for scheme in ("light", "dark"):
        picture(page, f"consent-{scheme}", color_scheme=scheme)
    page.get_by_role("checkbox", name=f"backup{tail}").uncheck()
    page.get_by_role("button", name="Grant access").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one role")
    accessible(page, "consent page without a choice")
    page.get_by_role("checkbox", name=f"backup{tail}").check()
    page.get_by_role("button", name="Grant access").click()
    code = code_of(page)
    accessible(page, "page with the code")
    page.get_by_text(code).click()
    same(page.evaluate("String(getSelection()).trim()"), code, "what a click on the code selects")
    access = exchange(first, code)
    token, said = token_of(access)
    same(sorted(r["name"] for r in said["roles"]), [f"backup{tail}"], "roles of the program's token")
    same((said["user"]["name"], said["project"]["name"]), (ada, f"web-shop{tail}"), "whom it acts for, and where")
    same(alive(token), 200, "the program's token")
    say("she grants one role of three; the program exchanges the code and has that role only")

    refused = request_token()
    page.goto(address(refused))
    page.get_by_role("button", name="Refuse").click()
    heading(page, "Nothing was granted")
    accessible(page, "page after refusing")
    page.goto(address(refused))
    heading(page, "There is no such request")
    accessible(page, "page about an unknown request")
    try:
        exchange(refused, "abcdefgh")
    except ValueError as error:
        same("404" in str(error), True, f"what the program is told: {error}")
    else:
        fail("a refused request was exchanged")
    say("she refuses, and the request is gone for everybody")

    again = request_token()
    second = token_of(exchange(again, grant(page, again, f"operator{tail}")))
    same(sorted(r["name"] for r in second[1]["roles"]), [f"observer{tail}", f"operator{tail}"], "a role and what it brings along")
    trusts = {}
    ada_token = sign_in(ada, f"secret-{ada}", project={"id": project})
    for name, more in ((bob, {"expires_at": "2046-05-04T12:00:00Z"}), (cleo, {"remaining_uses": 5})):
        trusts[name] = call(201, "POST", "/OS-TRUST/trusts", ada_token, json={"trust": {
            "trustor_user_id": people[ada], "trustee_user_id": people[name], "project_id": project, "impersonation": name == bob,
            "roles": [{"id": operator}], **more}}).json()["trust"]["id"]
    call(201, "POST", f"/users/{people[ada]}/preauthentications", ada_token, json={"preauthentication": {
        "trustee_user_id": people[bob], "project_id": project, "roles": [{"id": backup}], "description": "Holiday cover"}})
    by_trust = {name: sign_in(name, f"secret-{name}", **{"OS-TRUST:trust": {"id": trusts[name]}}) for name in trusts}

    page.goto(f"{v3}/console/delegations")
    grants = page.get_by_role("listitem")
    expect(grants).to_have_count(5)
    for words in ("Nightly backup agent", bob, cleo, "Holiday cover", "4 May 2046, 12:00 UTC"):
        expect(page.get_by_text(words).first).to_be_visible()
    accessible(page, "list of delegations")
    picture(page, "delegations", color_scheme="light")
    page.get_by_role("button", name=f"Revoke {cleo}").click()
    expect(page.get_by_role("status")).to_contain_text("Revoked.")
    same(alive(by_trust[cleo]), 401, "a token of the revoked trust")
    same(alive(by_trust[bob]), 200, "a token of the other")
    expect(grants).to_have_count(4)
    accessible(page, "list of delegations after one was revoked")
    say("she sees what she granted and revokes one: its token is dead in the next request")

    page.get_by_text("Revoke everything", exact=True).click()
    page.get_by_role("button", name="Yes, revoke everything").click()
    expect(page.get_by_role("status")).to_contain_text("4 grants revoked")
    expect(page.get_by_text("You have granted nothing to anybody.")).to_be_visible()
    accessible(page, "empty list of delegations")
    for what in (by_trust[bob], token, second[0]):
        same(alive(what), 401, "a token of something that was revoked")
    say("she revokes everything: every token obtained with it is dead in the next request")

    forged(browser, page)
    keyboard(browser)
    on_a_phone(browser)

    page.goto(address(request_token()))
    page.get_by_role("button", name="Sign out").click()
    heading(page, "Sign in")
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    page.goto(f"{v3}/console/delegations")
    fill_in(page, bob, f"secret-{bob}")
    heading(page, "What you have granted")
    page.goto(address(request_token()))
    heading(page, "There is nothing that you could grant")
    accessible(page, "page for who has no role")
    say("who signs out is out; who has no role on the project can grant nothing")

    page.get_by_role("button", name="Sign out").click()
    page.goto(address(late))
    fill_in(page, ada, f"secret-{ada}")
    while page.get_by_role("heading", level=1).inner_text() != "This request has expired":
        heading(page, "Nightly backup agent")
        if seconds() > 300:
            fail("a request does not expire")
        page.reload()
    accessible(page, "page about an expired request")
    say("a request that nobody decided about expires, and says so")


def forged(browser, page):
    """Another site, and a page without the session's proof, send forms in her name."""
    request = request_token()
    page.goto(address(request))
    page.get_by_role("checkbox", name=f"backup{tail}").check()
    page.evaluate("document.querySelectorAll('input[name=proof]').forEach(i => i.value = 'A'.repeat(43))")
    page.get_by_role("button", name="Grant access").click()
    heading(page, "This form was not accepted")
    accessible(page, "page about a forged form")

    elsewhere = page.context.new_page()
    target = f"{v3}/console/authorize/{request[0]}"
    for proof in ("", page.context.cookies()[0]["value"][:43]):
        elsewhere.route("http://evil.test/*", lambda route: route.fulfill(content_type="text/html", body=(
            f'<form method="post" action="{target}"><input name="decision" value="grant"><input name="round" value="0">'
            f'<input name="role" value="{backup}"><input name="proof" value="{proof}"><button>win a prize</button></form>')))
        elsewhere.goto("http://evil.test/")
        with elsewhere.expect_response(target) as answer:
            elsewhere.get_by_role("button").click()
        same(answer.value.status in (401, 403), True, "a form of another site is not accepted")
        same("mandate-session" in answer.value.request.all_headers().get("cookie", ""), False, "the session goes along from another site")
    elsewhere.route("http://evil.test/*", lambda route: route.fulfill(content_type="text/html", body=f'<iframe src="{address(request)}"></iframe>'))
    elsewhere.goto("http://evil.test/")
    same("Nightly backup agent" in (elsewhere.frames[-1].content() if len(elsewhere.frames) > 1 else ""), False, "the page stands in a frame")
    elsewhere.close()
    page.goto(address(request))
    heading(page, "Nightly backup agent")
    expect(page.get_by_text("You granted this request before")).to_have_count(0)
    page.complaints.clear()
    say("forged forms are refused, from another site and without the session's proof")


def keyboard(browser):
    """Tab, space and enter are enough."""
    page = watched(browser.new_context(**desktop).new_page())
    request = request_token()
    page.goto(address(request))
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(ada)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Domain")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(f"secret-{ada}")
    page.keyboard.press("Enter")
    heading(page, "Nightly backup agent")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name=f"backup{tail}")).to_be_focused()
    same(page.evaluate("getComputedStyle(document.activeElement.closest('label')).outlineStyle"), "solid", "how a focused choice is outlined")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Grant access")).to_be_focused()
    same(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "solid", "how a focused button is outlined")
    page.keyboard.press("Enter")
    exchange(request, code_of(page))
    page.goto(f"{v3}/console/delegations")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Revoke Nightly backup agent")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have granted nothing to anybody.")).to_be_visible()
    same(page.complaints, [], "what the browser complained about")
    page.context.close()
    say("all of it with the keyboard alone")


def on_a_phone(browser):
    page = watched(browser.new_context(**phone).new_page())
    request = request_token()
    page.goto(address(request))
    accessible(page, "sign-in page on a phone")
    fill_in(page, ada, f"secret-{ada}")
    accessible(page, "consent page on a phone")
    page.get_by_role("checkbox", name=f"backup{tail}").tap()
    picture(page, "consent-phone", color_scheme="light")
    small = page.evaluate("[...document.querySelectorAll('button, label.choice')].map(e => e.getBoundingClientRect()).filter(r => r.width < 44 || r.height < 44).length")
    same(small, 0, "things to tap that are smaller than 44 pixels")
    page.get_by_role("button", name="Grant access").tap()
    code = code_of(page)
    accessible(page, "page with the code on a phone")
    picture(page, "code-phone", color_scheme="dark")
    exchange(request, code)
    page.goto(f"{v3}/console/delegations")
    accessible(page, "list of delegations on a phone")
    page.get_by_role("button", name="Revoke Nightly backup agent").tap()
    expect(page.get_by_text("You have granted nothing to anybody.")).to_be_visible()
    page.context.close()
    say("all of it on a phone")


with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
    expect.set_options(timeout=10_000)
    everything(chromium)
    chromium.close()
passed()
