#!/usr/bin/env bash
# What `make acceptance` does: linters; a sample operation, added by the steps of CONTRIBUTING.md;
# completion in zsh and fish; both engines; the deployment's template; the stock client through
# delegation, on every resource and through OAuth1, and gophercloud, on both engines; the tour of
# README.md and the commands of every page of docs/; the pages for people in a browser; old clients
# on v2.0; keystonemiddleware; OpenStack's own API tests; whatever docs/openapi.yaml describes; the
# deployed functions in emulators; and a service that is killed under load. Everything fetched is
# pinned and kept in .cache/.
#
#   test/acceptance/run.sh [STEP...]    all steps, or those named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

engines() { go test -tags dynamodb ./shared/store/... ./functions/oauth1 ./cmd/mandate ./test/...; }

# both NAME COMMAND...: one after the other against a service on either engine.
both() {
  local name=$1
  shift
  step "$name on the embedded table" test/acceptance/serve.sh embedded "$@"
  step "$name on DynamoDB Local" test/acceptance/serve.sh dynamodb "$@"
}

# The deployed functions in emulators, where what they need is there.
emulators() {
  source test/emulators/docker.sh
  source localstack/python.sh
  if ! docker_there; then
    echo "no emulators: there is neither Docker nor root with dockerd and iptables (make sam-local, make localstack-host)"
    return
  fi
  step "sam local" timeout -k 60 900 test/acceptance/sam-local.sh
  if ! command -v docker-registry >/dev/null || ! python313 >/dev/null 2>&1; then
    echo "no LocalStack: it needs Python 3.13 and docker-registry (make localstack-host)"
    return
  fi
  step "LocalStack, a small stack" timeout -k 60 900 env SMALL=1 KMS=1 localstack/host.sh
}

# Every page that has commands, each against a service of its own.
pages() {
  local page
  for page in $(grep -l '^```bash$' docs/*.md docs/*/*.md); do
    step "$page" test/acceptance/serve.sh embedded bash -c 'PATH=$PWD/bin:$PATH OPENRC=$DATA/openrc exec test/acceptance/page.sh "$0"' "$page"
  done
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(
  lint
  operation
  completion
  engines
  template
  flow
  resources
  oauth1
  gophercloud
  tour
  pages
  browser
  v2
  middleware
  tempest
  emulators
  openapi
  crash
)
began=$SECONDS
for name in "${steps[@]}"; do
  case $name in
    lint) step "linters" test/acceptance/lint.sh ;;
    engines) step "both engines" engines ;;
    template) step "template" test/acceptance/sam.sh ;;
    flow) both "flow" test/acceptance/flow.sh ;;
    resources) both "every resource" test/acceptance/resources.py ;;
    oauth1) both "OAuth1" test/acceptance/oauth1.py ;;
    gophercloud) both "gophercloud" go -C test/acceptance/gophercloud run . ;;
    operation) step "a sample operation" test/acceptance/operation.sh ;;
    completion) step "completion in zsh and fish" test/acceptance/completion.sh ;;
    tour) step "the tour of README.md" test/acceptance/tour.sh ;;
    pages) pages ;;
    browser) step "pages in a browser" env OAUTH1_REQUEST_TOKEN_EXPIRATION=45 test/acceptance/serve.sh embedded test/acceptance/browser.sh ;;
    tempest) step "Tempest" test/acceptance/serve.sh embedded test/acceptance/tempest.sh ;;
    # Logins that fail are most of what is tried; the limit for one address has its own tests.
    openapi) step "docs/openapi.yaml" env ADDRESS_FAILURE_ATTEMPTS=0 test/acceptance/serve.sh embedded test/acceptance/openapi.sh ;;
    middleware) test/acceptance/middleware.sh ;;
    v2) step "old clients" test/acceptance/serve.sh embedded test/acceptance/v2.py ;;
    emulators) emulators ;;
    crash) step "killed under load" go run ./test/crash ;;
    *) echo "unknown step $name" >&2; exit 2 ;;
  esac
done
printf '\nacceptance passed in %d s\n' "$((SECONDS - began))"
