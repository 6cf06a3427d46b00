#!/usr/bin/env bash
# Throw requests at every route that docs/openapi.yaml describes, as it describes them and
# not, and hold every answer against it: no 5xx, no status, header, media type or shape
# that is not described. The number of cases is printed; EXAMPLES= is per operation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

venv=$(python_with test/acceptance/requirements-schemathesis.txt)
log=$DATA/../log
export SCHEMATHESIS_HOOKS=test/acceptance/openapi_auth.py
"$venv/bin/schemathesis" run docs/openapi.yaml --url "${OS_AUTH_URL%/v3}" \
  --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-80}" --seed 1 --no-shrink --continue-on-failure \
  --suppress-health-check all --warnings off --request-timeout 20 \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
  --output-truncate true

grep '^{' "$log" | jq -rs '[.[] | select(.operation) | .status] | "answers: \(length)", (group_by(.)[] | "  \(.[0]) \(length)")'
