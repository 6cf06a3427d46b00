#!/usr/bin/env bash
# Validate template.yaml, and its REST flavour, as AWS would, without AWS: `sam validate --lint` needs no account,
# and what stands in for credentials opens nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/acceptance/steps.sh

venv=$(python_with test/acceptance/requirements-sam.txt)
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none
"$venv/bin/python" test/acceptance/samconfig.py template.yaml default dev prod
for environment in dev prod; do # which ask for --lint
  "$venv/bin/sam" validate --config-env "$environment" --template template.yaml
done
mkdir -p .build
# The largest stack that the parameters make.
"$venv/bin/python" test/acceptance/transform.py template.yaml .build/stack.json Trace=on Shift=Canary10Percent10Minutes DomainName=id.example HostedZoneId=Z1
# What SAM made of it, with its cycles if there are any; SAM alone uses Shift and Shifts.
"$venv/bin/cfn-lint" --ignore-checks W2001 W7001 --template .build/stack.json
checkov=$(python_with test/acceptance/requirements-checkov.txt)
"$checkov/bin/checkov" --config-file test/acceptance/checkov.yaml --file .build/stack.json
make -s rest
"$venv/bin/sam" validate --lint --template .build/rest.yaml
