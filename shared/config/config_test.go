package config_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/config"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestDefaults(t *testing.T) {
	c, err := config.Read(env(nil))
	require.NoError(t, err)
	assert.Equal(t, config.Config{
		TokenExpiration: time.Hour, AllowExpiredWindow: 48 * time.Hour, AllowRescopeScopedToken: true,
		LockoutDuration: 30 * time.Minute, AddressFailureAttempts: 100, AddressFailureDuration: time.Minute,
		KeyRotationPeriod:    90 * 24 * time.Hour,
		MaxRedelegationCount: 3, PolicyPreset: "self_service", V2: true, LogLevel: slog.LevelInfo, MetricsNamespace: "Mandate",
		RequestTokenExpiration: 8 * time.Hour, AccessTokenExpiration: 24 * time.Hour,
	}, c)
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	_, err := config.Read(env(map[string]string{
		"TOKEN_EXPIRATION": "0", "ALLOW_EXPIRED_WINDOW": "-1", "ALLOW_RESCOPE_SCOPED_TOKEN": "perhaps",
		"KEY_ROTATION_PERIOD": "-1", "LOCKOUT_FAILURE_ATTEMPTS": "-1", "LOCKOUT_DURATION": "0", "ADDRESS_FAILURE_ATTEMPTS": "few", "ADDRESS_FAILURE_DURATION": "0",
		"MAX_REDELEGATION_COUNT": "11", "POLICY_PRESET": "mine", "PUBLIC_URL": "https://id.example/v3", "V2": "false", "LOG_LEVEL": "loud",
	}))
	for _, name := range []string{
		"LOCKOUT_FAILURE_ATTEMPTS", "LOCKOUT_DURATION", "ADDRESS_FAILURE_ATTEMPTS", "ADDRESS_FAILURE_DURATION",
		"KEY_ROTATION_PERIOD", "TOKEN_EXPIRATION", "ALLOW_EXPIRED_WINDOW", "ALLOW_RESCOPE_SCOPED_TOKEN", "MAX_REDELEGATION_COUNT",
		"POLICY_PRESET", "PUBLIC_URL", "V2", "LOG_LEVEL",
	} {
		assert.ErrorContains(t, err, name+"=")
	}
}

func TestAPublicURLLosesItsSlash(t *testing.T) {
	c, err := config.Read(env(map[string]string{"PUBLIC_URL": "https://id.example/"}))
	require.NoError(t, err)
	assert.Equal(t, "https://id.example", c.PublicURL)
}

func TestAFunctionIsToldAllThatIsMissing(t *testing.T) {
	_, err := config.Deployed(env(map[string]string{"V2": "perhaps"}))
	for _, name := range []string{"V2=", "OPERATION is", "TABLE_NAME is", "AWS_REGION is", "KMS_KEY_ARN is"} {
		assert.ErrorContains(t, err, name)
	}
	_, err = config.Deployed(env(map[string]string{
		"OPERATION": "CreateTrust", "TABLE_NAME": "mandate", "AWS_REGION": "eu-west-1", "MASTER_KEY_FILE": "/key",
	}))
	assert.NoError(t, err)
}
