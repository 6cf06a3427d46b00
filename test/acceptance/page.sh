#!/usr/bin/env bash
# Do what a page of docs/ says: run all its bash blocks as one session, in a temporary
# folder, and hold each line that ends in "# → ANSWER" to that answer.
#
#   OPENRC=.mandate/openrc test/acceptance/page.sh docs/delegation.md
#
# Needs what the page says that it needs, and a fresh service.
set -euo pipefail

page=$(realpath "$1")
OPENRC=$(realpath "${OPENRC:?the administrator\'s environment}")
export OPENRC
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
awk -v q="'" '
  /^```bash$/ { block = 1; next }
  /^```$/ { block = 0 }
  !block { next }
  match($0, / +# → /) {
    command = substr($0, 1, RSTART - 1); want = substr($0, RSTART + RLENGTH); answers++
    print "said=$(" command ") || true"
    print "[ \"$said\" = " q want q " ] || { printf " q "%s\\n  says %s and not %s\\n" q " " q "line " NR q " \"$said\" " q want q " >&2; exit 1; }"
    next
  }
  { print }
  END { print "echo ok: " answers " answers"; if (!answers) exit 1 }
' "$page" >session.sh
bash -euo pipefail session.sh
