#!/usr/bin/env bash
# Run a command against a service that is started for it, with the openrc of its
# administrator in the environment and the stock client in PATH:
#
#   test/acceptance/serve.sh embedded|dynamodb COMMAND...
#
# The service is new, on a free port of 127.0.0.1, with its data in a temporary folder or
# in a DynamoDB Local that is started for it too. Both are stopped by their pids.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

engine=$1
shift
data=$(mktemp -d)
pids=()
finish() {
  local code=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  if [ "$code" != 0 ]; then
    echo "the service's last lines:" >&2
    tail -n 15 "$data/log" >&2 || true
  fi
  rm -rf "$data"
}
trap finish EXIT

export DATA=$data/mandate PORT=0
unset DYNAMODB_ENDPOINT PUBLIC_URL ADMIN_PASSWORD
: >"$data/log"
case $engine in
  embedded) ;;
  dynamodb)
    go build -o .cache/dynamodb-local ./test/dynamodblocal/cmd
    .cache/dynamodb-local -port 0 >"$data/endpoint" 2>"$data/log" &
    pids+=($!)
    until_there 120 grep -qs '^http' "$data/endpoint"
    DYNAMODB_ENDPOINT=$(head -n 1 "$data/endpoint")
    export DYNAMODB_ENDPOINT
    ;;
  *) echo "unknown engine $engine" >&2; exit 2 ;;
esac

venv=$(python_with test/acceptance/requirements.txt)
CGO_ENABLED=0 go build -trimpath -o bin/mandate ./cmd/mandate
bin/mandate serve >"$data/log" 2>&1 &
pids+=($!)
until_there 30 grep -qs '^Serving' "$data/log"
source "$DATA/openrc"
until_there 5 curl -fs -o /dev/null "$OS_AUTH_URL"
PATH=$venv/bin:$PATH "$@"
