package test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cold are packages that no function on a request path needs, with what they would bring: they
// would only make cold starts slower. Each is a package or the beginning of several.
var cold = map[string][]string{
	"the SDK's own search for credentials and settings: 2 MB, files, the network; they are in the environment": {
		"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/credentials", "github.com/aws/aws-sdk-go-v2/feature/ec2/imds",
		"github.com/aws/aws-sdk-go-v2/service/sso", "github.com/aws/aws-sdk-go-v2/service/ssooidc", "github.com/aws/aws-sdk-go-v2/service/sts",
		"github.com/aws/aws-sdk-go-v2/service/signin",
	},
	"a client of AWS is half a megabyte, and half a millisecond at the start": {"github.com/aws/aws-sdk-go-v2/service/eventbridge", "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"},
	"the engine of one machine, and what only it stores":                      {"go.etcd.io/bbolt", "github.com/fxamacker/cbor", "mandate/shared/store/embedded"},
	"the gateway of one machine, and the template that it reads":              {"mandate/shared/local", "mandate/shared/sam", "gopkg.in/yaml", "github.com/goccy/go-yaml"},
	"commands": {"mandate/shared/bulk", "github.com/alecthomas/kong", "github.com/schollz/progressbar", "golang.org/x/term"},
	"the linker keeps every exported method when templates are used": {"html/template", "text/template"},
	"tests": {"net/http/httptest", "testing"},
	"other encodings than JSON, by reflection": {"encoding/xml", "encoding/gob"},
	"debugging over HTTP, which is not served": {"expvar", "net/http/pprof"},
}

// TestFunctionsCarryOnlyWhatTheyNeed: what is in the executables of the API, as `go list` says.
// The pages of the console are templates; publish puts events on a bus.
func TestFunctionsCarryOnlyWhatTheyNeed(t *testing.T) {
	allowed := map[string][]string{
		"console":  {"html/template", "text/template"},
		"fallback": {"html/template", "text/template"}, // which answers for all areas
		"publish":  {"github.com/aws/aws-sdk-go-v2/service/eventbridge"},
	}
	areas := 0
	for _, p := range packages(t) {
		area, ok := strings.CutPrefix(p.ImportPath, "functions/")
		area, isMain := strings.CutSuffix(area, "/lambda")
		if !ok || !isMain {
			continue
		}
		areas++
		out, err := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc", module+p.ImportPath).Output()
		require.NoError(t, err)
		for dep := range strings.FieldsSeq(string(out)) {
			for why, list := range cold {
				for _, c := range list {
					if dep == c || strings.HasPrefix(dep, c+"/") || strings.HasPrefix(dep, c+".") {
						assert.Contains(t, allowed[area], c, "the functions of %s carry %s (%s)", area, dep, why)
					}
				}
			}
		}
	}
	require.Greater(t, areas, 10)
}
