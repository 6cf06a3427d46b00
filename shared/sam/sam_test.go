package sam_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate"
	"mandate/shared/route"
	"mandate/shared/sam"
)

func TestParseTheTemplate(t *testing.T) {
	tpl, err := sam.Parse(mandate.Template)
	require.NoError(t, err)

	create, ok := tpl.Find("CreateTrust")
	require.True(t, ok)
	assert.Equal(t, sam.Function{
		Name: "CreateTrust", Area: "trusts", Operation: "CreateTrust", Role: "WriterRole", Timeout: 10 * time.Second,
		Routes: []route.Route{{Method: "POST", Path: "/v3/OS-TRUST/trusts", Operation: "CreateTrust", Function: "CreateTrust"}},
	}, create)

	cascade, ok := tpl.Find("Cascade")
	require.True(t, ok)
	require.NotNil(t, cascade.Stream)
	assert.Len(t, cascade.Stream.Filter, 5)
	cascade.Stream.Filter = nil
	assert.Equal(t, &sam.Stream{
		FromStart: true, Batch: 100, Bisect: true, Retries: 10, MaxAge: 24 * time.Hour, Partial: true, Failures: true,
	}, cascade.Stream)
	assert.Equal(t, time.Minute, cascade.Timeout)

	reconcile, ok := tpl.Find("Reconcile")
	require.True(t, ok)
	assert.Equal(t, []sam.Schedule{
		{Name: "Due", Every: 5 * time.Minute, Input: `{"begin":false}`},
		{Name: "Nightly", Every: 24 * time.Hour, At: 2*time.Hour + 10*time.Minute, Input: `{"begin":true}`},
	}, reconcile.Schedules)

	fallback, ok := tpl.Find("Fallback")
	require.True(t, ok)
	assert.True(t, fallback.Default)

	assert.Contains(t, tpl.Routes(), route.Route{
		Method: "HEAD", Path: "/v3/OS-TRUST/trusts/{trust_id}", Operation: "GetTrust", Function: "GetTrust",
	}, "an event's name after Via only tells routes apart")
	assert.Contains(t, tpl.Variables, "TOKEN_EXPIRATION")
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"what is not YAML":             "\t:",
		"a template without functions": "Resources: {}",
		"a function without a timeout": "Resources:\n  F: { Type: 'AWS::Serverless::Function', Properties: { CodeUri: x } }",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sam.Parse([]byte(text))
			assert.Error(t, err)
		})
	}
}
