#!/usr/bin/env bash
# make localstack-host: LocalStack without its image, for machines that reach no registry,
# then the same deployment and delegation as by compose. Needs Python 3.13 (PYTHON313=…),
# Docker (or root, dockerd and iptables), docker-registry, a JDK and Maven.
#
# What LocalStack would download is put where it looks first: DynamoDB Local from Maven
# behind a connector on 127.0.0.1 (test/dynamodblocal), the program that starts functions
# (test/emulators/init), and the base image (test/emulators/image.sh) in a registry on
# loopback, because it insists on pulling. It listens on 127.0.0.1 and on the address of
# Docker's bridge, for the functions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source test/acceptance/steps.sh
source test/emulators/docker.sh
source localstack/python.sh

port=${PORT:-4566} registry_port=${REGISTRY_PORT:-5055}
work=$(mktemp -d)
pids=()

# stop PID: ask it to end, and end it with what it started when it has not after 15 s, for
# LocalStack sometimes waits for ever.
stop() {
  local children
  children=$(pgrep -P "$1" || true)
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 75); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.2
  done
  # shellcheck disable=SC2086 # one word for each
  kill -9 "$1" $children 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

finish() {
  local code=$?
  if [ "$code" != 0 ]; then tail -n "${TAIL:-60}" "$work"/*.log >&2 || true; fi
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do stop "${pids[i]}"; done
  docker_down
  rm -rf "$work"
}
trap finish EXIT

venv=$(python_with localstack/requirements.txt "$(python313)")
docker_up "$work"
bridge=$(docker_bridge)
arch=$(go env GOARCH)
case $arch in amd64) machine=x86_64 ;; *) machine=$arch ;; esac

# A registry on loopback, with the image in it.
cat >"$work/registry.yml" <<YAML
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $work/registry } }
http: { addr: '127.0.0.1:$registry_port' }
YAML
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
pids+=($!)
until_there 30 curl -fs -o /dev/null "http://127.0.0.1:$registry_port/v2/"
image=127.0.0.1:$registry_port/lambda/provided:al2023
test/emulators/image.sh "$image"
docker push -q "$image"

# What it would download.
lib=$work/tree/var/lib/localstack/lib
mkdir -p "$lib/java" "$lib/lambda-runtime/v0.1.41-pre/$machine/var/rapid" "$lib/dynamodb-local"
ln -s "$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")" "$lib/java/21"
CGO_ENABLED=0 go build -trimpath -o "$lib/lambda-runtime/v0.1.41-pre/$machine/var/rapid/init" ./test/emulators/init
go build -o .build/dynamodb-local ./test/dynamodblocal/cmd
.build/dynamodb-local -install "$lib/dynamodb-local/2"

# Its own files are below FILESYSTEM_ROOT instead of /var/lib/localstack.
mkdir -p "$work/tree/tmp"
env OVERRIDE_IN_DOCKER=0 FILESYSTEM_ROOT="$work/tree" TMPDIR="$work/tree/tmp" \
  GATEWAY_SERVER=hypercorn GATEWAY_LISTEN="127.0.0.1:$port,$bridge:$port" HOSTNAME_FROM_LAMBDA="$bridge" \
  PROVIDER_OVERRIDE_DYNAMODB=v2 PROVIDER_OVERRIDE_DYNAMODBSTREAMS=v2 DYNAMODB_IN_MEMORY=1 \
  LAMBDA_RUNTIME_IMAGE_MAPPING="{\"provided.al2023\":\"$image\"}" LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT=60 \
  DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 PATH="$venv/bin:$PATH" \
  "$venv/bin/python" -m localstack.runtime.main >"$work/localstack.log" 2>&1 &
pids+=($!)
step "LocalStack" until_there 120 curl -fs -o /dev/null "http://127.0.0.1:$port/_localstack/health"
AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test "$venv/bin/python" -c '
import boto3
boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="mandate-artefacts")' # as ready.d does
localstack/deploy.sh "http://127.0.0.1:$port" "http://$bridge:$port"
