#!/usr/bin/env bash
# The pages for people in a real browser: browser.py with what it needs, which is Debian's
# chromium (or CHROMIUM), and node's npm for the accessibility checks.
#
#   source .mandate/openrc && test/acceptance/browser.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

venv=$(python_with test/acceptance/requirements-browser.txt)
lock=test/acceptance/browser/package-lock.json
modules=$PWD/.cache/axe-$(sha256sum "$lock" | cut -c1-8)
if [ ! -e "$modules/complete" ]; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp test/acceptance/browser/package.json "$lock" "$modules"
  (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error)
  touch "$modules/complete"
fi
export CHROMIUM=${CHROMIUM:-$(command -v chromium)} AXE=$modules/node_modules/axe-core/axe.min.js
exec "$venv/bin/python" test/acceptance/browser.py
