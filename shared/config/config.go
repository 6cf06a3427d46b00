// Package config is what an operator can set: one struct, a field per variable. The
// variables are exactly those of Globals in template.yaml, and OPERATION.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config holds the settings of a process.
type Config struct {
	Operation string // OPERATION: the operation that a function serves, or an area's name

	TableName string // TABLE_NAME: the DynamoDB table
	KMSKeyARN string // KMS_KEY_ARN: the key that wraps the keyset; where there is no KMS, MASTER_KEY_FILE does

	KeyRotationPeriod time.Duration // KEY_ROTATION_PERIOD, seconds: how long a key seals before another follows; 0 until told (7776000)

	TokenExpiration         time.Duration // TOKEN_EXPIRATION, seconds: life of a token from a fresh login (3600)
	AllowExpiredWindow      time.Duration // ALLOW_EXPIRED_WINDOW, seconds: how long services may still validate an expired token (172800)
	AllowRescopeScopedToken bool          // ALLOW_RESCOPE_SCOPED_TOKEN: whether scoped tokens may be turned into others (true)
	LockoutFailureAttempts  int           // LOCKOUT_FAILURE_ATTEMPTS: failed logins after which a user is locked; 0 never (0)
	LockoutDuration         time.Duration // LOCKOUT_DURATION, seconds: how long a user stays locked (1800)
	AddressFailureAttempts  int           // ADDRESS_FAILURE_ATTEMPTS: failed logins after which an address has to wait; 0 never (100)
	AddressFailureDuration  time.Duration // ADDRESS_FAILURE_DURATION, seconds: how long it has to wait (60)
	MaxRedelegationCount    int           // MAX_REDELEGATION_COUNT: how many generations may follow a first trust (3)
	PolicyPreset            string        // POLICY_PRESET: self_service or keystone (self_service)
	PublicURL               string        // PUBLIC_URL: base of all links, without version; "" derives it from each request
	RequestTokenExpiration  time.Duration // OAUTH1_REQUEST_TOKEN_EXPIRATION, seconds: life of an OAuth1 request token, 0 for ever (28800)
	AccessTokenExpiration   time.Duration // OAUTH1_ACCESS_TOKEN_EXPIRATION, seconds: life of an OAuth1 access token, 0 for ever (86400)
	AllowPlaintext          bool          // OAUTH1_ALLOW_PLAINTEXT: whether PLAINTEXT signatures are accepted without https (false)
	AllowRepeats            bool          // OAUTH1_ALLOW_REPEATS: whether a signed OAuth1 request may be sent twice (false)
	V2                      bool          // V2: whether the v2.0 token API is served: on or off (on)
	EventBus                string        // EVENT_BUS: name or ARN of the EventBridge bus that is told what ended; "" none
	LogLevel                slog.Level    // LOG_LEVEL: debug, info, warn or error (info)
	MetricsNamespace        string        // METRICS_NAMESPACE: where CloudWatch keeps what functions count (Mandate)
}

// Read takes the settings from an environment and reports every problem at once.
func Read(env func(string) string) (Config, error) {
	r := reader{env: env}
	c := Config{
		Operation: env("OPERATION"), TableName: env("TABLE_NAME"), KMSKeyARN: env("KMS_KEY_ARN"),
		KeyRotationPeriod:       r.seconds("KEY_ROTATION_PERIOD", 90*86400, 0, 10*365*86400),
		TokenExpiration:         r.seconds("TOKEN_EXPIRATION", 3600, 1, 10*365*86400),
		AllowExpiredWindow:      r.seconds("ALLOW_EXPIRED_WINDOW", 172800, 0, 365*86400),
		AllowRescopeScopedToken: r.flag("ALLOW_RESCOPE_SCOPED_TOKEN", true),
		LockoutFailureAttempts:  int(r.number("LOCKOUT_FAILURE_ATTEMPTS", 0, 0, 1_000_000)),
		LockoutDuration:         r.seconds("LOCKOUT_DURATION", 1800, 1, 365*86400),
		AddressFailureAttempts:  int(r.number("ADDRESS_FAILURE_ATTEMPTS", 100, 0, 1_000_000)),
		AddressFailureDuration:  r.seconds("ADDRESS_FAILURE_DURATION", 60, 1, 86400),
		MaxRedelegationCount:    int(r.number("MAX_REDELEGATION_COUNT", 3, 0, 10)),
		PolicyPreset:            r.oneOf("POLICY_PRESET", "self_service", "keystone"),
		PublicURL:               r.url("PUBLIC_URL"),
		RequestTokenExpiration:  r.seconds("OAUTH1_REQUEST_TOKEN_EXPIRATION", 28800, 0, 10*365*86400),
		AccessTokenExpiration:   r.seconds("OAUTH1_ACCESS_TOKEN_EXPIRATION", 86400, 0, 10*365*86400),
		AllowPlaintext:          r.flag("OAUTH1_ALLOW_PLAINTEXT", false),
		AllowRepeats:            r.flag("OAUTH1_ALLOW_REPEATS", false),
		V2:                      r.oneOf("V2", "on", "off") == "on",
		EventBus:                env("EVENT_BUS"),
		LogLevel:                r.level("LOG_LEVEL"),
		MetricsNamespace:        cmp.Or(env("METRICS_NAMESPACE"), "Mandate"),
	}
	return c, errors.Join(r.problems...)
}

// Deployed is Read for a function: what has no default must be there. The problems also
// name what is not the operator's but the platform's to set.
func Deployed(env func(string) string) (Config, error) {
	c, err := Read(env)
	problems := []error{err}
	require := func(name, what string) {
		if env(name) == "" {
			problems = append(problems, fmt.Errorf("%s is not set: %s", name, what))
		}
	}
	require("OPERATION", "the operation or area that this function serves")
	require("TABLE_NAME", "the DynamoDB table")
	require("AWS_REGION", "the region of table and key")
	if c.KMSKeyARN == "" && env("MASTER_KEY_FILE") == "" {
		problems = append(problems, errors.New("KMS_KEY_ARN is not set: the key that wraps the keyset (MASTER_KEY_FILE where there is no KMS)"))
	}
	return c, errors.Join(problems...)
}

type reader struct {
	env      func(string) string
	problems []error
}

func (r *reader) wrong(name, must string) {
	r.problems = append(r.problems, fmt.Errorf("%s=%q: must be %s", name, r.env(name), must))
}

func (r *reader) number(name string, preset, least, most int64) int64 {
	text := r.env(name)
	if text == "" {
		return preset
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		r.wrong(name, fmt.Sprintf("a number from %d to %d", least, most))
		return preset
	}
	return n
}

func (r *reader) seconds(name string, preset, least, most int64) time.Duration {
	return time.Duration(r.number(name, preset, least, most)) * time.Second
}

func (r *reader) flag(name string, preset bool) bool {
	text := r.env(name)
	if text == "" {
		return preset
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		r.wrong(name, "true or false")
	}
	return b
}

// oneOf takes the first of the choices when nothing is set.
func (r *reader) oneOf(name string, choices ...string) string {
	text := r.env(name)
	if text == "" {
		return choices[0]
	}
	for _, c := range choices {
		if text == c {
			return c
		}
	}
	r.wrong(name, strings.Join(choices, " or "))
	return choices[0]
}

func (r *reader) url(name string) string {
	text := strings.TrimSuffix(r.env(name), "/")
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.HasSuffix(u.Path, "/v3") {
		r.wrong(name, "an http or https URL without version, such as https://id.example")
	}
	return text
}

func (r *reader) level(name string) slog.Level {
	var level slog.Level
	if text := r.env(name); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			r.wrong(name, "debug, info, warn or error")
		}
	}
	return level
}
