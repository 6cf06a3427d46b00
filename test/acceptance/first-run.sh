#!/usr/bin/env bash
# What a newcomer waits for: clone, `make run`, first answer of GET /v3, with empty module
# and build caches; and again when it is built. Prints both in seconds, and fails when
# they are over FIRST (120) or AGAIN (3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
pid=
finish() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  chmod -R u+w "$work" # the module cache is read-only
  rm -rf "$work"
}
trap finish EXIT
git clone -q . "$work/mandate"
cd "$work/mandate"
export GOMODCACHE=$work/modules GOCACHE=$work/build PORT=0 ADMIN_PASSWORD=secret
unset DATA DYNAMODB_ENDPOINT PUBLIC_URL

# answer LIMIT NAME: `make run` until GET /v3 is answered, then stop it.
answer() {
  local limit=$1 name=$2 began ended url
  began=$(date +%s.%N)
  make run >"$work/log" 2>&1 &
  pid=$!
  until url=$(grep -m1 -oE 'http://127\.0\.0\.1:[0-9]+/v3' <(grep '^Serving' "$work/log")) && curl -fs -o /dev/null "$url"; do
    if ! kill -0 "$pid" 2>/dev/null; then cat "$work/log" >&2; exit 1; fi
    sleep 0.02
  done
  ended=$(date +%s.%N)
  # make does not hand a signal on to what it runs, so its children get it too.
  for child in $(ps -o pid= --ppid "$pid"); do kill "$child" 2>/dev/null || true; done
  wait "$pid" 2>/dev/null || true
  pid=
  python3 - "$began" "$ended" "$limit" "$name" <<'PY'
import sys
took = float(sys.argv[2]) - float(sys.argv[1])
print(f"{sys.argv[4]}: {took:.1f} s (at most {sys.argv[3]} s)")
sys.exit(took > float(sys.argv[3]))
PY
}

answer "${FIRST:-120}" "first run, empty caches"
answer "${AGAIN:-3}" "run again, built"
