package sam_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/sam"
)

// filtered is a template of one function with these patterns.
func filtered(patterns ...string) []byte {
	text := `Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: x
      Timeout: 1
      Events:
        Changes:
          Type: DynamoDB
          Properties:
            StartingPosition: TRIM_HORIZON
            FilterCriteria:
              Filters:
`
	for _, p := range patterns {
		text += "                - Pattern: '" + p + "'\n"
	}
	return []byte(text)
}

func TestAFilterIsRead(t *testing.T) {
	tpl, err := sam.Parse(filtered(
		`{"eventName":["MODIFY","REMOVE"]}`,
		`{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["JOBS"]}},"NewImage":{"type":{"S":[{"anything-but":["token","nonce"]}]},"dead":{"BOOL":[{"exists":true}]}}}}`,
	))
	require.NoError(t, err)
	assert.Equal(t, sam.Filter{
		{{Field: sam.Field{Of: "eventName"}, Is: []string{"MODIFY", "REMOVE"}}},
		{
			{Field: sam.Field{Of: "Keys", Attribute: "pk", Type: "S"}, Is: []string{"JOBS"}},
			{Field: sam.Field{Of: "NewImage", Attribute: "dead", Type: "BOOL"}},
			{Field: sam.Field{Of: "NewImage", Attribute: "type", Type: "S"}, Not: []string{"token", "nonce"}},
			{Field: sam.Field{Of: "eventName"}, Is: []string{"INSERT"}},
		},
	}, tpl.Functions[0].Stream.Filter)
}

func TestAFilterThatIsNotFollowedIsRefused(t *testing.T) {
	const some = `{"eventName":["INSERT"]}`
	for name, c := range map[string]struct {
		patterns []string
		says     string
	}{
		"no pattern":               {nil, "0 patterns, not 1 to 5"},
		"six of them":              {[]string{some, some, some, some, some, some}, "6 patterns, not 1 to 5"},
		"what is not JSON":         {[]string{`{`}, "pattern {"},
		"a name that stands twice": {[]string{`{"eventName":["INSERT"],"eventName":["MODIFY"]}`}, "duplicate"},
		"an empty pattern":         {[]string{`{}`}, "empty"},
		"an empty object":          {[]string{`{"dynamodb":{}}`}, "empty"},
		"a value without a list":   {[]string{`{"eventName":"INSERT"}`}, "eventName is neither an object nor a list"},
		"a field that is not read": {[]string{`{"userIdentity":{"type":["Service"]}}`}, "userIdentity.type: only eventName"},
		"an attribute of numbers":  {[]string{`{"dynamodb":{"NewImage":{"uses":{"N":["1"]}}}}`}, "dynamodb.NewImage.uses.N: only"},
		"an empty list":            {[]string{`{"eventName":[]}`}, "only strings"},
		"a number":                 {[]string{`{"eventName":[1]}`}, "only strings"},
		"a string beside a test":   {[]string{`{"eventName":["INSERT",{"exists":true}]}`}, "only strings"},
		"two tests":                {[]string{`{"eventName":[{"exists":true},{"anything-but":["INSERT"]}]}`}, "only strings"},
		"two tests in one":         {[]string{`{"eventName":[{"exists":true,"anything-but":["INSERT"]}]}`}, "only strings"},
		"a prefix":                 {[]string{`{"eventName":[{"prefix":"INS"}]}`}, "only strings"},
		"what does not exist":      {[]string{`{"eventName":[{"exists":false}]}`}, "only strings"},
		"anything but a prefix":    {[]string{`{"eventName":[{"anything-but":{"prefix":"INS"}}]}`}, "only strings"},
		"anything but nothing":     {[]string{`{"eventName":[{"anything-but":[]}]}`}, "only strings"},
		"a BOOL that is a string":  {[]string{`{"dynamodb":{"NewImage":{"dead":{"BOOL":["true"]}}}}`}, "a BOOL is not a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sam.Parse(filtered(c.patterns...))
			require.ErrorContains(t, err, "FilterCriteria: ")
			assert.ErrorContains(t, err, c.says)
		})
	}
}
