package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"mandate/shared/app"
	"mandate/shared/cloud"
	"mandate/shared/config"
	"mandate/shared/kms"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
)

// initWithin bounds the start of a function; Lambda itself gives it 10 s.
const initWithin = 8 * time.Second

// skewed is how far a function's clock may be from the table's. Signatures are refused
// from 5 minutes on; expiry is decided by the function's.
const skewed = 2 * time.Minute

// Start puts the app together from a function's environment, or ends the function with
// one line that says what is wrong. It makes the connection to the table, and the keyset
// and the policy are in memory when it returns.
func Start() *app.App { return start(false) }

// StartKeeper is Start for a function that may make the keyset of an empty table.
func StartKeeper() *app.App { return start(true) }

func start(keeper bool) *app.App {
	app.CollectLess()
	c, err := config.Deployed(os.Getenv)
	if err != nil {
		Stop(err)
	}
	clock := &cloud.Clock{}
	place := cloud.Place{Region: os.Getenv("AWS_REGION"), Cloud: inCloud()}
	key, wrapErr := wrapper(c, place)
	table, err := dynamodb.New(dynamodb.Options{
		Table: c.TableName, Region: place.Region, Endpoint: os.Getenv("DYNAMODB_ENDPOINT"), Cloud: place.Cloud,
		HTTPClient: clock.Watch(cloud.HTTPClient()),
	})
	if err := errors.Join(err, wrapErr); err != nil {
		Stop(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), initWithin)
	defer cancel()
	a, err := app.New(ctx, app.Parts{
		Config: c, Table: table, Wrapper: key, Existing: !keeper && byKMS(c),
		Log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel})),
	})
	if ahead := clock.Ahead(); ahead.Abs() > skewed {
		side := "ahead of"
		if ahead < 0 {
			side = "behind"
		}
		Stop(fmt.Errorf("the clock of this function is %s %s the table's", ahead.Abs().Round(time.Second), side))
	}
	if err != nil {
		Stop(explain(c, place, err))
	}
	return a
}

// wrapper is what protects the keyset: KMS_KEY_ARN or, where there is no KMS,
// MASTER_KEY_FILE, which the template never sets: emulators do, and there KMS_KEY_ARN names
// a key that does not exist. KMS_ENDPOINT is a KMS that is not the region's own.
func wrapper(c config.Config, place cloud.Place) (secret.Wrapper, error) {
	if byKMS(c) {
		place.Endpoint = os.Getenv("KMS_ENDPOINT")
		return kms.New(kms.Options{KeyARN: c.KMSKeyARN, Table: c.TableName, Place: place})
	}
	key, err := secret.OpenMasterKey(os.Getenv("MASTER_KEY_FILE"))
	if err != nil {
		return nil, fmt.Errorf("MASTER_KEY_FILE: %w", err)
	}
	return key, nil
}

func byKMS(c config.Config) bool { return c.KMSKeyARN != "" && os.Getenv("MASTER_KEY_FILE") == "" }

// explain says which variable or right is behind what AWS answered.
func explain(c config.Config, place cloud.Place, err error) error {
	var answer smithy.APIError
	var key kms.Unavailable
	switch {
	case errors.Is(err, secret.ErrNoKeyset):
		return fmt.Errorf("TABLE_NAME=%q: %w", c.TableName, err)
	case errors.As(err, &answer):
	case errors.Is(err, store.ErrUnavailable) && !errors.As(err, &key):
		return fmt.Errorf("TABLE_NAME=%q: does not answer in region AWS_REGION=%q (DYNAMODB_ENDPOINT=%q): %w",
			c.TableName, place.Region, os.Getenv("DYNAMODB_ENDPOINT"), err)
	default:
		return err
	}
	switch answer.ErrorCode() {
	case "ResourceNotFoundException":
		return fmt.Errorf("TABLE_NAME=%q: there is no such table in region AWS_REGION=%q", c.TableName, place.Region)
	case "AccessDeniedException":
		return fmt.Errorf("TABLE_NAME=%q: the function's role may not read it: %s", c.TableName, answer.ErrorMessage())
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "IncompleteSignatureException", "MissingAuthenticationTokenException":
		return fmt.Errorf("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: refused by region AWS_REGION=%q: %s: %s",
			place.Region, answer.ErrorCode(), answer.ErrorMessage())
	}
	return err
}

// inCloud reports whether this is a Lambda function in AWS. SAM's and LocalStack's local
// ones look the same but for their own variables, and SAM gives them its user's credentials.
func inCloud() bool {
	return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" &&
		os.Getenv("AWS_SAM_LOCAL") == "" && os.Getenv("LOCALSTACK_HOSTNAME") == ""
}

// Stop ends a process that cannot start, with one line, however many problems there are.
func Stop(err error) {
	var problems []string
	for line := range strings.Lines(err.Error()) {
		problems = append(problems, strings.TrimSpace(line))
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("init failed", "cause", strings.Join(problems, "; "))
	os.Exit(1)
}
