#!/usr/bin/env bash
# middleware.py in its own environment, against services whose tokens live four seconds,
# and with its cache against one whose tokens live an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh
venv=$(python_with test/acceptance/requirements-middleware.txt)
export TOKEN_EXPIRATION=4
for engine in embedded dynamodb; do
  step "keystonemiddleware, $engine" test/acceptance/serve.sh "$engine" "$venv/bin/python" test/acceptance/middleware.py
done
unset TOKEN_EXPIRATION
step "keystonemiddleware's cache, with docs/examples/revoked.py" test/acceptance/serve.sh embedded "$venv/bin/python" test/acceptance/middleware.py
