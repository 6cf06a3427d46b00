#!/usr/bin/env bash
# Add a sample operation to a copy of the tree, by the steps of CONTRIBUTING.md: three places, and
# `make generate`. With all of them its tests pass; without any one of them a test fails and
# names the place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$work"
cd "$work"

transcript() {
  cat >test/transcripts/versions/GetSample.txt <<'TXT'
GET /v3/sample: what CONTRIBUTING.md is tried with.

### without a token
GET /v3/sample

HTTP 200 (keystone: 404)
{"sample": "here"}
TXT
}
operation() {
  cat >functions/versions/sample.go <<'GO'
package versions

import (
	"context"

	"mandate/shared/api"
)

type sampleBody struct {
	Sample string `json:"sample"`
}

// getSample answers GET /v3/sample.
func getSample() api.Operation {
	return api.Op(api.Spec[nothing]{Name: "GetSample", Open: true},
		func(context.Context, *api.Call, nothing) (sampleBody, error) { return sampleBody{"here"}, nil })
}
GO
  sed -i 's/getHealth()}/getHealth(), getSample()}/' functions/versions/versions.go
}
route() {
  local at="^        GetHealth: "
  sed -i -E "/$at/{p;s|GetHealth|GetSample|;s|/healthz|/v3/sample|;p;s|GetSample|GetSampleViaHead|;s|Method: GET|Method: HEAD|}" template.yaml
}
undo() {
  rm -f test/transcripts/versions/GetSample.txt functions/versions/sample.go
  for file in functions/versions/versions.go template.yaml functions/routes/table.go docs/openapi.yaml; do
    cp "$OLDPWD/$file" "$file"
  done
}

# tests: those that look at the tree as a whole, and the operation's transcript.
tests() {
  go test -trimpath ./test -run 'TestTheTemplateServesEveryOperation|TestGETIsServedForHEAD|Transcript|TestNoRouteStandsTwice' &&
    go test -trimpath ./functions/routes ./cmd/openapi &&
    go test -trimpath ./test/transcripts -run 'TestTranscripts/versions/GetSample'
}

transcript
operation
route
make -s generate
tests >said 2>&1 || { cat said >&2; echo "a sample operation, added by the steps, fails" >&2; exit 1; }
grep -q 'no tests to run' said && { cat said >&2; exit 1; }
echo "ok: all three places"

# without PLACE NAMED: leave one out, and look for what is named.
without() {
  local place=$1 named=$2
  undo
  for step in transcript operation route; do [ "$step" = "$place" ] || "$step"; done
  [ "$place" = generate ] || go generate ./functions/routes
  if tests >said 2>&1; then echo "nothing fails without the $place" >&2; exit 1; fi
  grep -q "$named" said || { cat said >&2; echo "without the $place nothing names $named" >&2; exit 1; }
  echo "ok: without the $place: $(grep -o "$named.*" said | head -n 1)"
}
without transcript 'GetSample has no transcript: write down what it answers in test/transcripts/versions/GetSample.txt'
without operation 'which is no operation: write it, and list it in Operations of functions/versions'
without route 'no route leads to GetSample of functions/versions: add one to template.yaml'
without generate 'run make generate'
