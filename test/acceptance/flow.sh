#!/usr/bin/env bash
# The real flow, as a person does it: the stock `openstack` client and curl, nothing else.
#
#   source .mandate/openrc && test/acceptance/flow.sh
#
# An administrator makes two users, a project and a role; the first user delegates the
# role to the second by trusts; the trusts are used, looked at and deleted, and the tokens
# made from them must be dead in the very next request. Needs OS_AUTH_URL, OS_USERNAME,
# OS_PASSWORD and OS_PROJECT_NAME of an administrator, `openstack`, `curl` and `python3`.
# Works against any server of the Identity API. With KEYSTONE=1 it expects what real Keystone
# answers in the two places where Mandate knowingly differs (docs/divergences.md). What it
# makes it also deletes, and its names are random, so it can be run against a used server.
#
# Each line says what was checked. The first check that fails ends it with exit code 1
# and the reply that was not as expected.
set -euo pipefail

: "${OS_AUTH_URL:?source an openrc first}" "${OS_USERNAME:?}" "${OS_PASSWORD:?}" "${OS_PROJECT_NAME:?}"
run=$(printf '%04x%04x' "$RANDOM" "$RANDOM")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
url=${OS_AUTH_URL%/}
dead_caller=401 hollow=404
if [ -n "${KEYSTONE:-}" ]; then dead_caller='401|404' hollow=403; fi
steps=0
began=$SECONDS

say() { steps=$((steps + 1)); printf '%3d  %-84s %3d s\n' "$steps" "$1" "$((SECONDS - began))"; }

fail() {
  printf '\nFAILED after step %d: %s\n' "$steps" "$1" >&2
  [ -s "$work/out" ] && sed 's/^/  out: /' "$work/out" >&2
  [ -s "$work/err" ] && sed 's/^/  err: /' "$work/err" >&2
  exit 1
}

# as WHO COMMAND...: run a command as somebody. admin is whom the openrc names; a user of
# ours is scoped to the project, or to the trust that TRUST names.
as() {
  local who=$1
  shift
  if [ "$who" = admin ]; then
    "$@"
    return
  fi
  (
    unset OS_PROJECT_NAME OS_PROJECT_ID OS_PROJECT_DOMAIN_NAME OS_PROJECT_DOMAIN_ID OS_TRUST_ID OS_SYSTEM_SCOPE OS_CLOUD
    export OS_USERNAME=$who-$run OS_PASSWORD=secret-$who-$run OS_USER_DOMAIN_NAME=Default
    if [ -n "${TRUST:-}" ]; then export OS_TRUST_ID=$TRUST; else export OS_PROJECT_ID=$project; fi
    "$@"
  )
}

# ok WHO ARGS...: the openstack command must succeed; its answer is in $work/out.
ok() {
  local who=$1
  shift
  as "$who" openstack "$@" >"$work/out" 2>"$work/err" || fail "openstack $* (as $who)"
}

# refused WHO ARGS...: the openstack command must fail and say WHY (an extended regular expression).
refused() {
  local who=$1
  shift
  if as "$who" openstack "$@" >"$work/out" 2>"$work/err"; then fail "openstack $* (as $who) should have failed"; fi
  grep -Eq "$WHY" "$work/err" || fail "openstack $* (as $who) should have failed with $WHY"
}

# get WHO ARGS...: one value of the answer.
get() {
  local who=$1
  shift
  ok "$who" "$@" -f value
  tr -d '\n' <"$work/out"
}

# call STATUS METHOD PATH [curl options]: one request, and the status it must have (or one of
# several, separated by |).
call() {
  local want=$1 method=$2 path=$3 got
  shift 3
  : >"$work/err"
  got=$(curl -sS -o "$work/out" -w '%{http_code}' -X "$method" "$url$path" "$@" 2>"$work/err") || fail "$method $path: no answer"
  [[ "|$want|" == *"|$got|"* ]] || fail "$method $path answered $got instead of $want"
}

# validate STATUS TOKEN: the administrator asks whether a token is good.
validate() { call "$1" GET /auth/tokens -H "X-Auth-Token: $admin" -H "X-Subject-Token: $2"; }

# use STATUS TOKEN: the token itself is used.
use() { call "$1" GET /auth/catalog -H "X-Auth-Token: $2"; }

# holds EXPRESSION: a Python expression over the JSON answer `it` and the variables a… of the environment.
holds() {
  python3 -c 'import json,os,sys; it=json.load(open(sys.argv[1])); e=os.environ.get
sys.exit(0 if eval(sys.argv[2]) else 1)' "$work/out" "$1" || fail "not so: $1"
}

# dead TOKEN: neither subject nor caller any more.
dead() {
  validate 404 "$1"
  use "$dead_caller" "$1"
}

export project trustor trustee role trust plain limited
call 200 GET ""
say "the server answers GET /v3"

admin=$(get admin token issue -c id)
validate 200 "$admin"
holds "it['token']['project']['name'] == '$OS_PROJECT_NAME' and 'admin' in [r['name'] for r in it['token']['roles']]"
say "token issue: the administrator has a token of the project, with role admin"

project=$(get admin project create "web-$run" --description 'acceptance' -c id)
trustor=$(get admin user create "trustor-$run" --password "secret-trustor-$run" --email "trustor-$run@example.org" -c id)
trustee=$(get admin user create "trustee-$run" --password "secret-trustee-$run" -c id)
role=$(get admin role create "deployer-$run" -c id)
say "project create, user create (2), role create"

ok admin role add --user "trustor-$run" --project "web-$run" "deployer-$run"
say "role add: user, project and role found by name"

[ "$(get admin user show "trustor-$run" -c id)" = "$trustor" ] || fail "user show by name"
[ "$(get admin project show "web-$run" --domain default -c id)" = "$project" ] || fail "project show by name and domain"
[ "$(get admin role show "deployer-$run" -c id)" = "$role" ] || fail "role show by name"
WHY='No (User|user) found|No user with a name or ID' refused admin user show "nobody-$run"
say "user show, project show, role show: found by name, unknown name refused"

ok admin user list -f json
holds "e('trustor') in [u['ID'] for u in it] and e('trustee') in [u['ID'] for u in it]"
ok admin project list -f json
holds "e('project') in [p['ID'] for p in it]"
ok admin role list -f json
holds "e('role') in [r['ID'] for r in it]"
ok admin role assignment list --user "trustor-$run" --project "web-$run" -f json
holds "[(a['Role'], a['User'], a['Project']) for a in it] == [(e('role'), e('trustor'), e('project'))]"
say "user list, project list, role list, role assignment list show what was made"

mine=$(get trustor token issue -c id)
validate 200 "$mine"
holds "it['token']['user']['id'] == e('trustor') and [r['id'] for r in it['token']['roles']] == [e('role')]"
say "token issue: the trustor has the role on the project"

WHY='HTTP 40[13]|The request you have made requires authentication' refused trustee token issue
say "token issue: the trustee has nothing on the project"

ok trustor trust create --project "$project" --role "$role" --impersonate "$trustor" "$trustee" -f json
holds "it['is_impersonation'] is True and it['project_id'] == e('project') and [r['id'] for r in it['roles']] == [e('role')]"
trust=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["id"])' "$work/out")
plain=$(get trustor trust create --project "$project" --role "$role" "$trustor" "$trustee" -c id)
say "trust create --impersonate, trust create"

WHY='HTTP 403|ForbiddenException: 403' refused admin trust create --project "$project" --role "$role" "$trustor" "$trustee"
say "trust create: not even the administrator can delegate for another"

ok trustor trust list --auth-user -f json
holds "{t['ID'] for t in it} == {e('trust'), e('plain')}"
TRUST=$trust ok trustee trust list --trustor "$trustor" -f json
holds "{t['ID'] for t in it} == {e('trust'), e('plain')}"
ok admin trust list -f json
holds "{e('trust'), e('plain')} <= {t['ID'] for t in it}"
say "trust list: by the trustor, by the impersonating trustee, by the administrator"

ok trustor trust show "$trust" -f json
holds "it['trustor_user_id'] == e('trustor') and it['trustee_user_id'] == e('trustee') and it['remaining_uses'] is None"
TRUST=$plain ok trustee trust show "$plain" -f json
holds "it['is_impersonation'] is False"
say "trust show: by the trustor, by the trustee"

one=$(TRUST=$trust get trustee token issue -c id)
two=$(TRUST=$trust get trustee token issue -c id)
own=$(TRUST=$plain get trustee token issue -c id)
say "token issue with OS_TRUST_ID: two with impersonation, one without"

validate 200 "$one"
holds "it['token']['user']['id'] == e('trustor') and it['token']['OS-TRUST:trust']['id'] == e('trust')"
holds "[r['id'] for r in it['token']['roles']] == [e('role')] and it['token']['project']['id'] == e('project')"
validate 200 "$own"
holds "it['token']['user']['id'] == e('trustee') and it['token']['OS-TRUST:trust']['impersonation'] is False"
use 200 "$one"
use 200 "$own"
say "validation shows trustor or trustee, role, project and trust; the tokens can be used"

ok trustor trust delete "$trust"
dead "$one"
dead "$two"
say "trust delete: in the next request its tokens are 404 as subject, 401 as caller"

validate 200 "$own"
validate 200 "$mine"
WHY='HTTP 401|requires authentication' TRUST=$trust refused trustee token issue
call 404 GET "/OS-TRUST/trusts/$trust" -H "X-Auth-Token: $mine"
# The client asks for the trust, is told 404, and looks for one of that name in a list that is not hers to see.
WHY='identity:list_trusts' refused trustor trust show "$trust"
ok admin trust list -f json
holds "e('trust') not in [t['ID'] for t in it] and e('plain') in [t['ID'] for t in it]"
say "the other trust and the trustor's own token live; the deleted one is gone"

ok trustor token revoke "$mine"
dead "$mine"
validate 200 "$own"
say "token revoke: dead in the next request; tokens of the trust live"

ok admin role remove --user "trustor-$run" --project "web-$run" "deployer-$run"
validate "$hollow" "$own"
ok admin role add --user "trustor-$run" --project "web-$run" "deployer-$run"
validate 200 "$own"
say "role remove hollows the trust out, role add brings it back"

again=$(get trustor token issue -c id)
ok admin user delete "trustor-$run"
validate 404 "$own"
validate 404 "$again"
ok admin trust list -f json
holds "e('plain') not in [t['ID'] for t in it]"
say "user delete: the user's trust and all tokens are gone"

ok admin user delete "trustee-$run"
ok admin role delete "deployer-$run"
ok admin project delete "web-$run"
WHY='No (User|user) found|No user with a name or ID' refused admin user show "trustee-$run"
WHY='No (Project|project) found|No project with a name or ID' refused admin project show "web-$run"
WHY='No (Role|role) found|No role with a name or ID' refused admin role show "deployer-$run"
say "user delete, role delete, project delete: gone by name"

printf '%d steps passed, 0 failed, in %d s\n' "$steps" "$((SECONDS - began))"
