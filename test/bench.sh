#!/usr/bin/env bash
# make bench: validate and issue over the whole local path (socket, gateway, function,
# table in a file), then what one validation costs without a socket.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

DATA=$data PORT=${PORT:-5099} LOG_LEVEL=error bin/mandate serve >"$data/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  grep -q Serving "$data/log" && break
  kill -0 "$pid" 2>/dev/null || { cat "$data/log"; exit 1; }
  sleep 0.1
done
source "$data/openrc"
echo "Client, gateway, functions and table on $(nproc) processors; load average $(cut -d' ' -f1 /proc/loadavg) before."
go run ./test/load/cmd -pid "$pid" -seconds "${SECONDS_EACH:-2}"
echo
echo "One validation without a socket:"
go test ./test/budget -run '^$' -bench . -benchtime 2000x | grep -E '^Benchmark'
