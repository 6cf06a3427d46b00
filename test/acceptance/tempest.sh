#!/usr/bin/env bash
# OpenStack's own tests of the identity API v3, member and admin classes, but for those
# that tempest-exclude.txt names. Run it against a service whose openrc is in the environment:
#
#   test/acceptance/serve.sh embedded test/acceptance/tempest.sh
#   ONLY='test_roles|test_groups' test/acceptance/tempest.sh      only what matches
#
# Two tests at once (CONCURRENCY), each at most a minute, all of them at most LIMIT seconds.
# Prints what failed with its traceback, and how many passed, failed and were skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

venv=$(python_with test/acceptance/requirements-tempest.txt)
packages=$("$venv/bin/python" -c 'import os, tempest; print(os.path.dirname(os.path.dirname(tempest.__file__)))')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each class makes its own people and projects. security_compliance lets Tempest try the
# change of a user's own password; without numbers it asks no more of it.
cat >"$work/tempest.conf" <<EOF
[DEFAULT]
log_dir = $work
[oslo_concurrency]
lock_path = $work/lock
[auth]
use_dynamic_credentials = True
create_isolated_networks = False
admin_username = $OS_USERNAME
admin_password = $OS_PASSWORD
admin_project_name = $OS_PROJECT_NAME
admin_domain_name = Default
tempest_roles = member
[identity]
auth_version = v3
uri_v3 = $OS_AUTH_URL
region = RegionOne
user_unique_last_password_count = 0
user_lockout_failure_attempts = 0
[identity-feature-enabled]
api_v2 = False
api_v3 = True
security_compliance = True
trust = True
[service_available]
cinder = False
glance = False
neutron = False
nova = False
swift = False
EOF
cat >"$work/.stestr.conf" <<EOF
[DEFAULT]
test_path = $packages/tempest/test_discover
top_dir = $packages
EOF
exclude=$PWD/test/acceptance/tempest-exclude.txt
export TEMPEST_CONFIG_DIR=$work TEMPEST_CONFIG=tempest.conf OS_TEST_TIMEOUT=60
cd "$work"

all='^tempest\.api\.identity\.(admin\.)?v3\.'
"$venv/bin/stestr" init >&2
"$venv/bin/stestr" list "$all" >tests
sed -e 's/ *#.*//' -e '/^$/d' "$exclude" | while read -r line; do
  grep -Eq "$line" tests || { echo "tempest-exclude.txt: no test is called $line" >&2; exit 1; }
done

failed=0
timeout "${LIMIT:-300}" "$venv/bin/stestr" run --concurrency "${CONCURRENCY:-2}" --exclude-list "$exclude" \
  "$all.*(${ONLY:-.})" >out 2>&1 || failed=$?
if [ "$failed" != 0 ]; then
  sed 's/\x1b\[[0-9;]*m//g' out >&2
fi
count() { sed -n "s/^ - $1: *//p" out | tail -n 1; }
printf '%d passed, %d failed, %d skipped, of %d; %d left out\n' "$(count Passed)" "$(count Failed)" "$(count Skipped)" \
  "$(wc -l <tests)" "$(grep -Ec "$(sed -e 's/ *#.*//' -e '/^$/d' "$exclude" | paste -sd '|')" tests)"
[ "$(count Passed)" -gt 0 ] || failed=1
exit "$failed"
