#!/usr/bin/env bash
# Deploy the REST flavour of the template to a running LocalStack, seed its table, and walk
# through a delegation: HTTP in, a revocation seen in the next request, and the stream
# reaching `cascade`.
#
#   localstack/deploy.sh ENDPOINT ENDPOINT_SEEN_FROM_FUNCTIONS
#
# Both must be named: nothing here may reach AWS by accident. SMALL=1 deploys only the
# functions that the delegation needs. KMS=1 has the keyset wrapped by LocalStack's KMS, as in
# AWS, and made by the function Bootstrap; then nothing is seeded, for `mandate import` knows
# no KMS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source test/acceptance/steps.sh

endpoint=${1:?the endpoint of LocalStack} inside=${2:?the endpoint as functions see it}
export AWS_ENDPOINT_URL=$endpoint SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset AWS_PROFILE AWS_SESSION_TOKEN
venv=$(python_with test/acceptance/requirements-sam.txt)
stack=mandate out=.build/localstack
arch=$(go env GOARCH)
case $arch in amd64) machine=x86_64 ;; *) machine=$arch ;; esac
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export DATA=$data ADMIN_PASSWORD=secret-of-$RANDOM$RANDOM

# aws SERVICE CALL...: a call by boto3, which the SAM CLI stands on.
aws() { "$venv/bin/python" - "$@" <<'PY'
import json, sys, boto3
service, call, arguments, path = sys.argv[1:5]
found = getattr(boto3.client(service), call)(**json.loads(arguments))
print(eval(path, {"it": found}))
PY
}

ONLY=${SMALL:+Versions,IssueToken,ValidateToken,CheckToken,GetAuthCatalog,Users,Projects,Roles,Assignments,CreateTrust,DeleteTrust,Cascade,Bootstrap,Fallback}

rm -rf "$out"
step "executables" make -s build bin/mandate ARCH="$arch" BUILD="$out"
if [ -n "${KMS:-}" ]; then
  key=(-set "KMS_ENDPOINT=$inside")
else
  key=(-set KMS_KEY_ARN= -set MASTER_KEY_FILE=/tmp/master.key)
  bin/mandate bootstrap >/dev/null # makes that key
  # LocalStack opens every file of a function to everybody, and such a key is refused.
  for area in "$out"/*/; do
    mv "$area/bootstrap" "$area/function"
    cp -p "$data/master.key" "$area"
    printf '#!/bin/sh\numask 077\ncp /var/task/master.key "$MASTER_KEY_FILE"\nexec /var/task/function\n' >"$area/bootstrap"
    chmod 755 "$area/bootstrap"
  done
fi
go run ./cmd/flavour -rest -latest -code . -o "$out/template.yaml" ${ONLY:+-only "$ONLY"} -set "DYNAMODB_ENDPOINT=$inside" "${key[@]}"

step "deployment" "$venv/bin/sam" deploy --template "$out/template.yaml" --stack-name "$stack" --s3-bucket mandate-artefacts \
  --capabilities CAPABILITY_IAM --parameter-overrides "Architecture=$machine" --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar ||
  { aws cloudformation describe_stack_events '{"StackName": "mandate"}' "[(e['LogicalResourceId'], e.get('ResourceStatusReason')) for e in it['StackEvents'] if 'FAIL' in e['ResourceStatus']]" >&2; exit 1; }

output() { aws cloudformation describe_stacks '{"StackName": "mandate"}' "next(o['OutputValue'] for o in it['Stacks'][0]['Outputs'] if o['OutputKey'] == '$1')"; }
table=$(output TableName)
api=$(output Url | sed -E 's#https://([^.]+)\..*#\1#')
export TABLE_NAME=$table DYNAMODB_ENDPOINT=$endpoint
if [ -n "${KMS:-}" ]; then
  payload=$(printf '{"public_url": "http://id.example/v3", "admin_password": "%s"}' "$ADMIN_PASSWORD")
  called=$("$venv/bin/python" -c 'import json, sys; print(json.dumps({"FunctionName": sys.argv[1], "Payload": sys.argv[2]}))' "$(output BootstrapFunction)" "$payload")
  step "bootstrap" aws lambda invoke "$called" "sys.exit(it['Payload'].read().decode()) if 'FunctionError' in it else it['Payload'].read().decode()"
else
  step "seed" bin/mandate import localstack/seed.jsonl
  step "bootstrap" bin/mandate bootstrap
fi
TABLE=$table step "a delegation through LocalStack" "$venv/bin/python" test/emulators/flow.py "$endpoint/_aws/execute-api/$api/identity"
