#!/usr/bin/env bash
# What README.md promises to a newcomer: `make run` in a folder that holds what git tracks and nothing
# else, then the tour in another terminal.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

venv=$(python_with test/acceptance/requirements.txt)
work=$(mktemp -d)
pids=()
finish() {
  # make does not hand a signal on to what it runs.
  for pid in "${pids[@]}"; do pkill -INT -P "$pid" || true; wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
git ls-files -z | xargs -0 cp --parents -t "$work"
cd "$work"
unset DATA DYNAMODB_ENDPOINT PUBLIC_URL ADMIN_PASSWORD
PORT=0 make run >log 2>&1 &
pids+=($!)
until_there 300 grep -qs '^Serving' log || { cat log >&2; exit 1; }
PATH=$venv/bin:$PATH OPENRC=.mandate/openrc python3 test/acceptance/tour.py "$@"
