#!/usr/bin/env bash
# make sam-local: the deployed functions in containers, as SAM runs them, on DynamoDB Local:
# `sam build`, `sam local invoke` with the events in events/, and a delegation over HTTP
# through `sam local start-api`. Needs Docker (or root, dockerd and iptables), Java and
# Maven. DynamoDB Local listens on the address of Docker's bridge, everything else on
# 127.0.0.1, and nothing that runs here has an address of AWS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh
source test/emulators/docker.sh

port=${PORT:-3101}
work=$(mktemp -d)
pids=()
finish() {
  local code=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  if [ "$code" != 0 ]; then tail -n 40 "$work"/*.log >&2 || true; fi
  docker_down
  rm -rf "$work"
}
trap finish EXIT

venv=$(python_with test/acceptance/requirements-sam.txt)
sam=$venv/bin/sam
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
docker_up "$work"
arch=$(go env GOARCH)
case $arch in amd64) machine=x86_64 ;; *) machine=$arch ;; esac
step "image" test/emulators/image.sh "$("$venv/bin/python" -c 'from samcli.local.docker.lambda_image import LambdaImage as I; print(I._INVOKE_REPO_PREFIX)')/provided:al2023-$machine"

go build -o .build/dynamodb-local ./test/dynamodblocal/cmd
.build/dynamodb-local -address "$(docker_bridge)" -port 0 >"$work/endpoint" 2>"$work/dynamodb.log" &
pids+=($!)
until_there 120 grep -qs '^http' "$work/endpoint"
endpoint=$(head -n 1 "$work/endpoint")

# The table has the name that SAM gives it; its keyset is wrapped by a key that is made for
# this run and mounted beside the executables.
export ADMIN_PASSWORD=secret-of-$RANDOM$RANDOM
make -s bin/mandate
# Bootstrap may be repeated; on a busy machine a table that has just started answers late.
DATA=$work/data TABLE_NAME=Table DYNAMODB_ENDPOINT=$endpoint until_there 6 bin/mandate bootstrap
local=.build/local
rm -rf "$local"
step "executables" make -s build ARCH="$arch" BUILD="$local"
for area in "$local"/*/; do cp -p "$work/data/master.key" "$area"; done
go run ./cmd/flavour -code . -o "$local/template.yaml" -set "DYNAMODB_ENDPOINT=$endpoint" -set KMS_KEY_ARN= -set MASTER_KEY_FILE=/var/task/master.key
step "sam build" "$sam" build --template "$local/template.yaml" --build-dir "$local/sam" --parameter-overrides "Architecture=$machine"

invoke() { # FUNCTION EVENT EXPECTED
  local got
  got=$("$sam" local invoke "$1" --event "events/$2.json" --template "$local/sam/template.yaml" \
    --parameter-overrides "Architecture=$machine" --skip-pull-image 2>"$work/invoke.log") || return
  grep -q "$3" <<<"$got" || { echo "$1 answered: $got" >&2; return 1; }
  echo "$1 with events/$2.json: $3"
}
step "sam local invoke" invoke Versions get-version '"statusCode": *200'
step "sam local invoke, a batch of the stream" invoke Cascade changes '"batchItemFailures": *\[\]'
step "sam local invoke, the nightly schedule" invoke Reconcile schedule '{}'
step "sam local invoke, bootstrap again" invoke Bootstrap bootstrap '"user_id": *"[0-9a-f]*"'

"$sam" local start-api --template "$local/sam/template.yaml" --parameter-overrides "Architecture=$machine" \
  --skip-pull-image --warm-containers LAZY --host 127.0.0.1 --port "$port" >"$work/start-api.log" 2>&1 &
pids+=($!)
until_there 60 curl -s -o /dev/null "http://127.0.0.1:$port/"
step "a delegation through sam local start-api" python3 test/emulators/flow.py "http://127.0.0.1:$port"
