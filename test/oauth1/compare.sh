#!/usr/bin/env bash
# Compares shared/oauth1 with oauthlib on many generated requests (default 100,000).
#
#   test/oauth1/compare.sh [COUNT] [SEED]
#
# `go test ./shared/oauth1` alone compares the few hundred in its testdata.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check oauthlib==4.0.1
"$work/venv/bin/python" test/oauth1/generate.py "${1:-100000}" "${2:-$RANDOM}" > "$work/requests.jsonl"
go test -count=1 -timeout 110s -v -run TestOauthlib ./shared/oauth1 -args -requests "$work/requests.jsonl"
