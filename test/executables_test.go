package test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cold are packages that no function on a request path needs: they would only make cold
// starts slower. Each is a package or the beginning of several.
var cold = []string{
	"gopkg.in/yaml", "github.com/goccy/go-yaml", "github.com/alecthomas/kong", "github.com/schollz/progressbar", "golang.org/x/term",
	"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service/eventbridge",
	"go.etcd.io/bbolt", "mandate/shared/store/embedded", "mandate/shared/local", "mandate/shared/sam", "mandate/shared/bulk",
	"html/template", "text/template", "net/http/httptest", "testing",
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
			for _, c := range cold {
				if dep == c || strings.HasPrefix(dep, c+"/") || strings.HasPrefix(dep, c+".") {
					assert.Contains(t, allowed[area], c, "the functions of %s carry %s", area, dep)
				}
			}
		}
	}
	require.Greater(t, areas, 10)
}
