#!/usr/bin/env bash
# Run the linters of .golangci.yml, and look for dead code and known vulnerabilities. The tools are those
# of tools/go.mod, built once below .cache/tools (about 80 s on two cores) and again when
# that file changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

sum=$(cat tools/go.mod tools/go.sum | sha256sum | cut -c1-8)
tools=$PWD/.cache/tools-$sum
if [ ! -e "$tools/complete" ]; then
  echo "building the linters"
  mkdir -p "$tools"
  go -C tools build -o "$tools/" tool
  touch "$tools/complete"
fi

export GOLANGCI_LINT_CACHE=$PWD/.cache/golangci-lint
"$tools/golangci-lint" run ./...

# What nothing calls, tests included. Two packages are called by copies of our sources only, which
# test/mutation and test/prove/mutants build.
dead=$("$tools/deadcode" -test -tags dynamodb,peer ./...)
if dead=$(grep -vE '^test/(mutation/switched|prove/mutant)/' <<<"$dead" | grep .); then
  printf 'nothing calls:\n%s\n' "$dead" >&2
  exit 1
fi

# The database of vulnerabilities is one of few things that are looked up on the network
# at every run. Without it there is nothing to compare with; that is said, not an error.
if out=$("$tools/govulncheck" ./... 2>&1); then
  echo "govulncheck: no known vulnerability is reached"
elif grep -q 'fetching vulnerabilities' <<<"$out"; then
  echo "govulncheck: the vulnerability database cannot be reached from here, so it was not consulted"
else
  printf '%s\n' "$out" >&2
  exit 1
fi
