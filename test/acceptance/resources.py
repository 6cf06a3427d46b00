#!/usr/bin/env python3
"""The stock `openstack` client on every resource of the directory: create, list, show, set, delete.

    source .mandate/openrc && test/acceptance/resources.py

The commands are those a person types. Needs OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and
OS_PROJECT_NAME of an administrator. What it makes it also deletes, and its names are random.
"""

import os

from stock import done, use
from walk import fail, run, same, say


def domains(c):
    made = c.get("domain create dom-~ --description first --enable")
    same((made["name"], made["enabled"], made["description"]), (f"dom-{run}", True, "first"), "domain create")
    c.refused("domain create dom-~", "409")
    same(c.get("domain create dom-~ --or-show")["id"], made["id"], "domain create --or-show")
    c.do("domain set dom-~ --name realm-~ --description second")
    shown = c.get("domain show realm-~")
    same((shown["id"], shown["description"]), (made["id"], "second"), "domain show by name")
    same([d["Name"] for d in c.get("domain list") if d["ID"] == made["id"]], [f"realm-{run}"], "domain list")
    same([d["ID"] for d in c.get("domain list --name realm-~ --enabled")], [made["id"]], "domain list --name")
    c.refused("domain delete realm-~", "403")
    c.refused("domain show dom-~", "dom-")
    say("domain create, set, show by name, list; an enabled one is not deleted")


def projects(c):
    top = c.get("project create top-~ --domain realm-~ --description d --tag red --tag blue --property colour=green")
    same((sorted(top["tags"]), top["is_domain"]), (["blue", "red"], False), "project create")
    below = c.get("project create below-~ --domain realm-~ --parent top-~")
    same(below["parent_id"], top["id"], "project create --parent")
    c.do("project create home-~")
    c.refused("project create home-~", "409")
    c.do("project set home-~ --name house-~ --disable --description moved --property a=b")
    shown = c.get("project show house-~")
    same((shown["enabled"], shown["description"], shown["domain_id"]), (False, "moved", "default"), "project show by name")
    c.do("project set house-~ --enable --tag kept")
    same(c.get("project show house-~")["tags"], ["kept"], "project set --tag")
    c.do("project set house-~ --remove-tag kept")
    same({p["Name"] for p in c.get("project list --domain realm-~")}, {f"top-{run}", f"below-{run}"}, "project list --domain")
    same([p["Name"] for p in c.get("project list --domain realm-~ --tags red,blue")], [f"top-{run}"], "project list --tags")
    same([p["Name"] for p in c.get("project list --parent " + top["id"])], [f"below-{run}"], "project list --parent")
    same([p["Name"] for p in c.get("project list --long") if p["Name"] == f"house-{run}"], [f"house-{run}"], "project list --long")
    same(c.get(f"project show {below['id']} --parents")["parents"], {top["id"]: {top["domain_id"]: None}}, "project show --parents")
    same(c.get(f"project show {top['id']} --children")["subtree"], {below["id"]: None}, "project show --children")
    c.refused("project delete top-~ --domain realm-~", "")
    say("project create, set, show, list by domain, tags and parent; hierarchy both ways")


def users(c):
    made = c.get("user create ada-~ --password secret-ada --email ada@example.org --description d --project house-~")
    same(("password" in made, made["email"], made["enabled"]), (False, "ada@example.org", True), "user create")
    c.do("user create bob-~ --domain realm-~ --password secret-bob --disable")
    c.refused("user create ada-~", "409")
    same(c.get("user show ada-~")["id"], made["id"], "user show by name")
    same(c.get("user show bob-~ --domain realm-~")["enabled"], False, "user show --domain")
    c.do("user set bob-~ --domain realm-~ --name rob-~ --enable --email rob@example.org --description e")
    same(c.get("user show rob-~ --domain realm-~")["email"], "rob@example.org", "user set")
    same([u["Name"] for u in c.get("user list --domain realm-~")], [f"rob-{run}"], "user list --domain")
    same([u["ID"] for u in c.get("user list --long") if u["Name"] == f"ada-{run}"], [made["id"]], "user list --long")
    c.refused("user show nobody-~", "nobody-")
    say("user create, set, show by name and domain, list")


def groups(c):
    made = c.get("group create crew-~ --description d")
    c.refused("group create crew-~", "409")
    c.do("group create crew-~ --domain realm-~")
    c.do("group set crew-~ --domain default --name team-~ --description e")
    same(c.get("group show team-~")["id"], made["id"], "group show by name")
    c.do("group add user team-~ ada-~")
    c.do("group add user team-~ ada-~")
    same("ada-~".replace("~", run) in c.do("group contains user team-~ ada-~"), True, "group contains user")
    same([u["Name"] for u in c.get("user list --group team-~")], [f"ada-{run}"], "user list --group")
    same([g["Name"] for g in c.get("group list --user ada-~")], [f"team-{run}"], "group list --user")
    same([g["Name"] for g in c.get("group list --domain realm-~")], [f"crew-{run}"], "group list --domain")
    say("group create, set, show, list; add user, contains user, list of members and of a user's groups")


def roles(c):
    c.do("role create pilot-~ --description d")
    c.do("role create navigator-~")
    c.do("role create local-~ --domain realm-~")
    c.refused("role create pilot-~", "409")
    c.do("role set pilot-~ --name captain-~ --description e")
    same(c.get("role show captain-~")["description"], "e", "role show by name")
    same([r["Name"] for r in c.get("role list --domain realm-~")], [f"local-{run}"], "role list --domain")
    names = [r["Name"] for r in c.get("role list")]
    same((f"captain-{run}" in names, f"local-{run}" in names), (True, False), "role list")
    c.refused("role delete member", "403")
    c.do("implied role create captain-~ --implied-role navigator-~")
    rules = [(r["Prior Role Name"], r["Implied Role Name"]) for r in c.get("implied role list")]
    same({(f"captain-{run}", f"navigator-{run}"), ("admin", "manager")} <= set(rules), True, "implied role list")
    say("role create, also of a domain, set, show, list; implied role create, list; immutable ones stay")


def assignments(c):
    def names(line):
        rows = c.get("role assignment list --names " + line)
        return sorted((r["Role"], r["User"], r["Group"], r["Project"], r["Domain"], r["System"], r["Inherited"]) for r in rows)

    ada, team, house = f"ada-{run}@Default", f"team-{run}@Default", f"house-{run}@Default"
    captain, navigator = f"captain-{run}", f"navigator-{run}"
    c.do("role add --user ada-~ --project house-~ captain-~")
    c.do("role add --group team-~ --project house-~ reader")
    c.do("role add --user ada-~ --domain realm-~ captain-~ --inherited")
    c.do("role add --group team-~ --domain realm-~ reader")
    c.do("role add --user ada-~ --system all reader")
    c.do("role add --group team-~ --system all reader")
    c.refused("role add --user ada-~ --project house-~ nothing-~", "")  # the client says nothing

    same(names("--user ada-~ --project house-~"), [(captain, ada, "", house, "", "", False)], "of a user on a project")
    same(names("--project house-~"), sorted([(captain, ada, "", house, "", "", False), ("reader", "", team, house, "", "", False)]),
         "on a project")
    same(names("--project house-~ --effective"), sorted([(captain, ada, "", house, "", "", False),
         (navigator, ada, "", house, "", "", False), ("reader", ada, "", house, "", "", False)]), "effective on a project")
    same(names("--user ada-~ --domain realm-~ --inherited"), [(captain, ada, "", "", f"realm-{run}", "", True)], "inherited")
    top = c.get("project show top-~ --domain realm-~")["id"]
    same([r[0] for r in names(f"--user ada-~ --project {top} --effective")], sorted([captain, navigator]), "effective where inherited")
    same(names("--group team-~ --system all"), [("reader", "", team, "", "", "all", False)], "of a group on the system")
    same(names("--role captain-~ --user ada-~ --project house-~"), [(captain, ada, "", house, "", "", False)], "by role")
    same([r["Name"] for r in c.get("role list")].count("admin"), 1, "role list")
    say("role add on project, domain, system, inherited; role assignment list --names, --effective, filters")

    def own(mine):
        token = mine.get("token issue")
        same(token["project_id"], c.get("project show house-~")["id"], "token issue")
        same([p["Name"] for p in mine.get("project list --my-projects")],
             sorted([f"house-{run}", f"top-{run}", f"below-{run}"]), "project list --my-projects")
        mine.refused("user list", "403")
        mine.do("user password set --original-password secret-ada --password secret-new")

    use(own, "--os-username", f"ada-{run}", "--os-password", "secret-ada", "--os-project-name", f"house-{run}")
    use(lambda mine: mine.do("token issue"), "--os-username", f"ada-{run}", "--os-password", "secret-new",
        "--os-project-name", f"house-{run}")
    same([p["Name"] for p in c.get("project list --user ada-~")], [f"below-{run}", f"house-{run}", f"top-{run}"], "project list --user")
    say("as a plain user: token issue, project list --my-projects, user password set, user list refused")

    c.do("role remove --user ada-~ --project house-~ captain-~")
    c.do("role remove --group team-~ --project house-~ reader")
    c.do("role remove --user ada-~ --domain realm-~ captain-~ --inherited")
    c.do("role remove --group team-~ --domain realm-~ reader")
    c.do("role remove --user ada-~ --system all reader")
    c.do("role remove --group team-~ --system all reader")
    same(names("--user ada-~") + names("--group team-~"), [], "after role remove")
    say("role remove everywhere: none left")


def catalog(c):
    c.do("region create north-~ --description d")
    c.do("region create harbour-~ --parent-region north-~")
    c.refused("region create north-~", "409")
    c.do("region set harbour-~ --description e")
    shown = c.get("region show harbour-~")
    same((shown["parent_region"], shown["description"]), (f"north-{run}", "e"), "region show")
    same([r["Region"] for r in c.get("region list --parent-region north-~")], [f"harbour-{run}"], "region list --parent-region")
    say("region create, set, show, list")

    made = c.get("service create --name vault-~ --description d key-manager-~")
    same((made["name"], made["type"], made["enabled"]), (f"vault-{run}", f"key-manager-{run}", True), "service create")
    c.do("service set vault-~ --name safe-~ --disable")
    same(c.get("service show safe-~")["enabled"], False, "service show by name")
    c.do(f"service set {made['id']} --enable --type secrets-~")
    same([s["Type"] for s in c.get("service list --long") if s["ID"] == made["id"]], [f"secrets-{run}"], "service list")
    say("service create, set, show, list")

    url = "https://safe.example.org/%(project_id)s"
    public = c.get(f"endpoint create safe-~ public {url} --region harbour-~")
    c.do("endpoint create safe-~ internal https://safe.internal.example.org --region harbour-~")
    same((public["interface"], public["region"], public["url"]), ("public", f"harbour-{run}", url), "endpoint create")
    c.do(f"endpoint set {public['id']} --url {url}/v2 --disable")
    same(c.get(f"endpoint show {public['id']}")["enabled"], False, "endpoint set --disable")
    c.do(f"endpoint set {public['id']} --enable")
    same(sorted(e["Interface"] for e in c.get("endpoint list --service safe-~ --region harbour-~")), ["internal", "public"], "endpoint list")
    same([e["ID"] for e in c.get("endpoint list --service safe-~ --interface public")], [public["id"]], "endpoint list --interface")

    def seen(mine):
        project = mine.get("token issue")["project_id"]
        entry = mine.get("catalog show safe-~")
        same({e["interface"]: e["url"] for e in entry["endpoints"]}["public"], f"https://safe.example.org/{project}/v2", "catalog show")
        same({"identity", f"secrets-{run}"} <= {s["Type"] for s in mine.get("catalog list")}, True, "catalog list")

    use(seen)
    say("endpoint create, set, show, list; catalog list and show, with the project's id filled in")

    c.do(f"endpoint delete {public['id']}")
    c.do("service delete safe-~")
    same([e for e in c.get("endpoint list") if e["Region"] == f"harbour-{run}"], [], "endpoints of a deleted service")
    c.do("region delete harbour-~ north-~")
    c.refused("region show north-~", "north-")
    say("endpoint delete, service delete (with its endpoints), region delete")


def credentials(c):
    ada = c.get("user show ada-~")["id"]
    made = c.get("credential create --type cert ada-~ words")
    same((made["type"], made["blob"], made["user_id"], made["project_id"]), ("cert", "words", ada, None), "credential create")
    c.do(f"credential set {made['id']} --user ada-~ --type totp --data other --project house-~")
    same(c.get(f"credential show {made['id']}")["blob"], "other", "credential show")
    same([r["ID"] for r in c.get("credential list --user ada-~ --type totp")], [made["id"]], "credential list")
    c.do(f"credential delete {made['id']}")
    same(c.get("credential list --user ada-~"), [], "credential list after delete")
    say("credential create, set, show, list, delete")


def away(c):
    c.do("group remove user team-~ ada-~")
    same(c.get("user list --group team-~"), [], "group remove user")
    c.do("group delete team-~")
    c.do("group delete crew-~ --domain realm-~")
    c.do("user delete ada-~")
    c.do("implied role delete captain-~ --implied-role navigator-~")
    c.do("role delete captain-~ navigator-~")
    c.do("project delete house-~")
    for kind in "group show team-~", "user show ada-~", "role show captain-~", "project show house-~":
        c.refused(kind, kind.split()[-1].replace("~", run))
    rob, below = c.get("user show rob-~ --domain realm-~")["id"], c.get("project show below-~ --domain realm-~")["id"]
    c.do("domain set realm-~ --disable")
    c.do("domain delete realm-~")
    c.refused("domain show realm-~", "realm-")
    c.refused("user show " + rob, rob)
    c.refused("project show " + below, below)
    say("group remove user; group, user, implied role, role, project delete; a domain with all in it")


def everything(c):
    for part in domains, projects, users, groups, roles, assignments, catalog, credentials, away:
        part(c)
    done()


if os.environ.get("OS_AUTH_URL") is None:
    fail("no OS_AUTH_URL: source an openrc first")
use(everything)
