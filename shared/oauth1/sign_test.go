package oauth1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
)

// The worked examples of oauth1.md section 13.
var (
	consumerSecret = secret.New("00112233445566778899aabbccddeeff")
	accessSecret   = secret.New("deadbeefdeadbeefdeadbeefdeadbeef")
)

const (
	headerA = `OAuth oauth_nonce="8f0c6d2e4b1a4f39", oauth_timestamp="1800000000", oauth_version="1.0", oauth_signature_method="HMAC-SHA1", ` +
		`oauth_consumer_key="0f1e2d3c4b5a69788796a5b4c3d2e1f0", oauth_callback="oob", oauth_signature="31dc%2FHwhcgD1zPfrMcl2r4%2FbxMI%3D"`
	baseA = "POST&http%3A%2F%2Flocalhost%3A5000%2Fv3%2FOS-OAUTH1%2Frequest_token&oauth_callback%3Doob%26" +
		"oauth_consumer_key%3D0f1e2d3c4b5a69788796a5b4c3d2e1f0%26oauth_nonce%3D8f0c6d2e4b1a4f39%26oauth_signature_method%3DHMAC-SHA1%26" +
		"oauth_timestamp%3D1800000000%26oauth_version%3D1.0"
	headerB = `OAuth oauth_nonce="4242424242424242", oauth_timestamp="1800000123", oauth_version="1.0", oauth_signature_method="HMAC-SHA1", ` +
		`oauth_consumer_key="0f1e2d3c4b5a69788796a5b4c3d2e1f0", oauth_token="c0ffee00c0ffee00c0ffee00c0ffee00", oauth_signature="AJo89HxL%2FP0qntOv0Ay%2BfRY0jLk%3D"`
	baseB = "POST&https%3A%2F%2Fa1b2c3d4e5.execute-api.eu-west-1.amazonaws.com%2Fprod%2Fv3%2Fauth%2Ftokens&" +
		"oauth_consumer_key%3D0f1e2d3c4b5a69788796a5b4c3d2e1f0%26oauth_nonce%3D4242424242424242%26oauth_signature_method%3DHMAC-SHA1%26" +
		"oauth_timestamp%3D1800000123%26oauth_token%3Dc0ffee00c0ffee00c0ffee00c0ffee00%26oauth_version%3D1.0"
)

func TestWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		name, header, uri, base, signature string
		token                              secret.Text
	}{
		{"O-090_example_A", headerA, BaseURI("http", "localhost:5000", "/v3/OS-OAUTH1/request_token"), baseA, "31dc/HwhcgD1zPfrMcl2r4/bxMI=", secret.Text{}},
		{"O-091_example_B", headerB, BaseURI("https", "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", "/prod/v3/auth/tokens"), baseB,
			"AJo89HxL/P0qntOv0Ay+fRY0jLk=", accessSecret},
	} {
		t.Run(c.name, func(t *testing.T) {
			params, err := ParseHeader(c.header)
			require.NoError(t, err)
			base := BaseString("post", c.uri, params)
			assert.Equal(t, c.base, base)
			assert.Equal(t, c.signature, Sign(HMACSHA1, base, consumerSecret, c.token))
			assert.Equal(t, c.signature, params.Get(paramSignature))
			assert.True(t, Verify(HMACSHA1, c.signature, consumerSecret, c.token, "another", base))
			for n := range len(c.signature) - 1 {
				forged := []byte(c.signature)
				forged[n] ^= 2
				assert.False(t, Verify(HMACSHA1, string(forged), consumerSecret, c.token, base), "byte %d", n)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	base, empty := baseA, secret.Text{}
	good := Sign(HMACSHA1, base, consumerSecret, empty)
	assert.False(t, Verify(HMACSHA1, good, consumerSecret, empty), "no URL at all")
	assert.False(t, Verify(HMACSHA1, good, accessSecret, empty, base))
	assert.False(t, Verify(HMACSHA1, good, consumerSecret, accessSecret, base))
	assert.False(t, Verify(HMACSHA256, good, consumerSecret, empty, base))
	assert.False(t, Verify(HMACSHA1, "", consumerSecret, empty, base))
	assert.False(t, Verify(HMACSHA1, good+"=", consumerSecret, empty, base))
	assert.False(t, Verify("FOO", "", consumerSecret, empty, base))
	assert.False(t, Verify(Plaintext, "", consumerSecret, empty, base))
	assert.True(t, Verify(Plaintext, Sign(Plaintext, base, consumerSecret, empty), consumerSecret, empty, base))
}

func TestParseHeader(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         Params
		err          error
	}{
		{"quoted values", `OAuth a="1", b="2"`, Params{{"a", "1"}, {"b", "2"}}, nil},
		{"any letter case, any white space", "oAUTH  a=\"1\" ,\tb = \"2\"", Params{{"a", "1"}, {"b", "2"}}, nil},
		{"unquoted values", `OAuth a=1,b=2`, Params{{"a", "1"}, {"b", "2"}}, nil},
		{"percent-encoded names and values", `OAuth %61="%2b%2F%20"`, Params{{"a", "+/ "}}, nil},
		{"a plus is a plus", `OAuth a="1+1"`, Params{{"a", "1+1"}}, nil},
		{"the realm is left out", `OAuth realm="a, b", a="1"`, Params{{"a", "1"}}, nil},
		{"an empty value", `OAuth a=""`, Params{{"a", ""}}, nil},
		{"an unquoted value that is empty", `OAuth a=,b=2`, Params{{"a", ""}, {"b", "2"}}, nil},
		{"an unquoted value that is empty, at the end", `OAuth a=`, Params{{"a", ""}}, nil},
		{"unquoted and quoted values by turns", "OAuth a=1 ,b=\"2\"\t,\r\n c=3", Params{{"a", "1"}, {"b", "2"}, {"c", "3"}}, nil},
		{"white space around all of it", "\t OAuth a=\"1\" ", Params{{"a", "1"}}, nil},
		{"a scheme that a tab ends", "OAuth\ta=1", Params{{"a", "1"}}, nil},
		{"commas, spaces and equals signs in quotes", `OAuth a="1, b=2", c=3`, Params{{"a", "1, b=2"}, {"c", "3"}}, nil},
		{"an equals sign without quotes", `OAuth a=1=2`, Params{{"a", "1=2"}}, nil},
		{"an encoded quote and comma", `OAuth a=%22%2C%22`, Params{{"a", `","`}}, nil},
		{"an escape at the end", `OAuth a="1%2F"`, Params{{"a", "1/"}}, nil},
		{"all hex digits", `OAuth a="%00%09%5A%a0%AF%fa%F9"`, Params{{"a", "\x00\tZ\xa0\xaf\xfa\xf9"}}, nil},
		{"the realm alone", `OAuth realm="a"`, nil, nil},
		{"the realm twice", `OAuth realm="a", realm="a"`, nil, errTwice},
		{"nothing", ``, nil, ErrNoHeader},
		{"white space only", " \t", nil, ErrNoHeader},
		{"half a scheme", `OAut a="1"`, nil, ErrNoHeader},
		{"the scheme and white space", "OAuth \t", nil, ErrNoHeader},
		{"another scheme of the same length", `OButh a="1"`, nil, ErrNoHeader},
		{"another scheme", `Basic b2s=`, nil, ErrNoHeader},
		{"a scheme that begins alike", `OAuth2 a="1"`, nil, ErrNoHeader},
		{"the scheme alone", `OAuth`, nil, ErrNoHeader},
		{"a name twice", `OAuth a="1", a="1"`, nil, errTwice},
		{"a name twice, once encoded", `OAuth a="1", %61="2"`, nil, errTwice},
		{"no value", `OAuth a`, nil, errMalformed},
		{"no name", `OAuth ="1"`, nil, errMalformed},
		{"an open quote", `OAuth a="1`, nil, errMalformed},
		{"no comma", `OAuth a="1" b="2"`, nil, errMalformed},
		{"a comma at the end", `OAuth a="1",`, nil, errMalformed},
		{"a comma at the beginning", `OAuth ,a="1"`, nil, errMalformed},
		{"two commas", `OAuth a="1",,b="2"`, nil, errMalformed},
		{"a comma alone", `OAuth ,`, nil, errMalformed},
		{"no comma after a value without quotes", `OAuth a=1 b=2`, nil, errMalformed},
		{"a quote within a value without quotes", `OAuth a=1"2"`, nil, errMalformed},
		{"something after the quote", `OAuth a="1"2`, nil, errMalformed},
		{"something before the quote", `OAuth a=1"2`, nil, errMalformed},
		{"white space in a name", `OAuth a b="1"`, nil, errMalformed},
		{"a tab in a name", "OAuth a\tb=\"1\"", nil, errMalformed},
		{"a quote in a name", `OAuth "a"="1"`, nil, errMalformed},
		{"a comma in a name", `OAuth a,b="1"`, nil, errMalformed},
		{"a name of white space", `OAuth a="1", ="2"`, nil, errMalformed},
		{"half an escape in a name", `OAuth %6="1"`, nil, errEscape},
		{"half an escape", `OAuth a="%2"`, nil, errEscape},
		{"an escape with no digits", `OAuth a="%"`, nil, errEscape},
		{"no hex digits", `OAuth a="%zz"`, nil, errEscape},
		{"one hex digit first", `OAuth a="%1g"`, nil, errEscape},
		{"one hex digit last", `OAuth a="%g1"`, nil, errEscape},
		{"what stands beside the hex digits", `OAuth a="%0/"`, nil, errEscape},
		{"what stands beside the hex digits, above", `OAuth a="%0:"`, nil, errEscape},
		{"what stands beside the capitals", `OAuth a="%0@"`, nil, errEscape},
		{"what stands beside the capitals, above", `OAuth a="%0G"`, nil, errEscape},
		{"what stands beside the small letters", "OAuth a=\"%0`\"", nil, errEscape},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseHeader(c.header)
			assert.Equal(t, c.want, got)
			assert.ErrorIs(t, err, c.err)
		})
	}
}

func TestParseQuery(t *testing.T) {
	got, err := ParseQuery("b=2&a=1%2B1+1&&c&b=%C3%A9")
	require.NoError(t, err)
	assert.Equal(t, Params{{"b", "2"}, {"a", "1+1 1"}, {"c", ""}, {"b", "é"}}, got)
	_, err = ParseQuery("oauth_token=1")
	require.ErrorIs(t, err, errMixed)
	_, err = ParseQuery("oauth%5Ftoken=1")
	require.ErrorIs(t, err, errMixed)
	_, err = ParseQuery("a=%")
	require.ErrorIs(t, err, errEscape)
}

func TestBaseURI(t *testing.T) {
	assert.Equal(t, "http://id.example/v3", BaseURI("HTTP", "ID.example:80", "/v3"))
	assert.Equal(t, "https://id.example/", BaseURI("https", "id.example:443", ""))
	assert.Equal(t, "https://id.example:80/v3", BaseURI("https", "id.example:80", "/v3"))
	assert.Equal(t, "http://id.example:5000/v3", BaseURI("http", "id.example:5000", "/v3"))
}

// FuzzParseHeader: what is read from a header, written again in our own way, reads the
// same; and the parameters' order does not change what is signed.
func FuzzParseHeader(f *testing.F) {
	for _, seed := range []string{headerA, headerB, `OAuth a=1, b="2" ,c=%20`, `OAuth realm="x",a="%41"`, `oauth a="=,"`, `OAuth a="1",`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		params, err := ParseHeader(header)
		if err != nil {
			require.Nil(t, params)
			return
		}
		if len(params) == 0 {
			return // a realm only
		}
		again, err := ParseHeader(write(params))
		require.NoError(t, err)
		require.Equal(t, params, again)
		reversed := make(Params, 0, len(params))
		for i := len(params) - 1; i >= 0; i-- {
			reversed = append(reversed, params[i])
		}
		require.Equal(t, BaseString("POST", "http://x/", params), BaseString("POST", "http://x/", reversed))
	})
}

// FuzzEncode: encoding has only unreserved characters and escapes, and decodes to itself.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "a b", "~*'()", "é", "\x00\xff", "%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := Encode(s)
		require.Empty(t, strings.Trim(e, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"))
		d, err := decode(e)
		require.NoError(t, err)
		require.Equal(t, s, d)
	})
}

// write is a header as most libraries write it.
func write(params Params) string {
	var parts []string
	for _, p := range params {
		parts = append(parts, Encode(p.Name)+`="`+Encode(p.Value)+`"`)
	}
	return "OAuth " + strings.Join(parts, ", ")
}
