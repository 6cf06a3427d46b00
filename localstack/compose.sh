#!/usr/bin/env bash
# make localstack: LocalStack by compose.yaml, a deployment to it, and a delegation through
# it. For machines that reach a registry; others have host.sh. KEEP=1 leaves it running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

docker compose --file localstack/compose.yaml up --detach --wait
[ -n "${KEEP:-}" ] || trap 'docker compose --file localstack/compose.yaml down --volumes' EXIT
until curl -fs http://127.0.0.1:4566/_localstack/init/ready | grep -q '"completed": true'; do sleep 1; done
# Its own DNS gives functions this name for itself.
localstack/deploy.sh http://127.0.0.1:4566 http://localhost.localstack.cloud:4566
