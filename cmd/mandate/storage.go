package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/shared/store/dynamodb/stream"
	"mandate/shared/store/embedded"
)

// storage is where a service keeps its data and the key that protects its keyset.
type storage struct {
	table   store.Table
	changes store.Log      // nil where they are read shard by shard, from …
	stream  *stream.Stream // … DynamoDB
	key     secret.Wrapper
	close   func()

	failures *local.Failures // what stream functions gave up; nil where nothing is kept
}

// place is where the operator wants data to be.
type place struct {
	output
	Data string `env:"DATA" default:".mandate" predictor:"folder" help:"Folder of the data file, keys and openrc; 'memory' keeps nothing."`

	DynamoDBEndpoint string `name:"dynamodb-endpoint" env:"DYNAMODB_ENDPOINT" help:"Keep the table in the DynamoDB at this URL (DynamoDB Local, LocalStack) instead of a data file."`
	TableName        string `env:"TABLE_NAME" default:"mandate" help:"Its table there, created when absent."`
}

func (c *place) memory() bool { return c.Data == "memory" }

// open opens what DATA and DYNAMODB_ENDPOINT say, and puts together what works on it.
func (c *place) open(ctx context.Context, p *progress, parts app.Parts) (storage, *app.App, error) {
	p.begin("Opening the table", 0, "")
	s, err := c.openStorage(ctx)
	if err != nil {
		return storage{}, nil, err
	}
	parts.Table, parts.Wrapper = s.table, s.key
	a, err := app.New(ctx, parts)
	if err != nil {
		s.close()
		return storage{}, nil, err
	}
	return s, a, nil
}

// tend is open for a command that changes what is kept and then ends.
func (c *place) tend(ctx context.Context, p *progress, parts app.Parts) (storage, *app.App, error) {
	if c.memory() {
		return storage{}, nil, usage(errors.New("DATA=memory keeps nothing; name a folder, or a DynamoDB with DYNAMODB_ENDPOINT="))
	}
	settings, err := config.Read(os.Getenv)
	if err != nil {
		return storage{}, nil, usage(err)
	}
	parts.Config = settings
	if parts.Log == nil {
		parts.Log = logger(settings)
	}
	return c.open(ctx, p, parts)
}

// logger writes the log lines of a command to standard error.
func logger(settings config.Config) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: settings.LogLevel}))
}

// openStorage opens what DATA and DYNAMODB_ENDPOINT say.
func (c *place) openStorage(ctx context.Context) (storage, error) {
	if c.memory() {
		key, err := secret.NewMasterKey()
		if err != nil {
			return storage{}, err
		}
		return c.openTable(ctx, "", "", key)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return storage{}, usage(fmt.Errorf("data folder: %w", err))
	}
	key, err := secret.OpenMasterKey(filepath.Join(c.Data, "master.key"))
	if err != nil {
		return storage{}, refused(err)
	}
	s, err := c.openTable(ctx, filepath.Join(c.Data, "table.db"), filepath.Join(c.Data, "stream.json"), key)
	s.failures = &local.Failures{Path: filepath.Join(c.Data, "failures.jsonl")}
	return s, err
}

func (c *place) openTable(ctx context.Context, path, positions string, key secret.Wrapper) (storage, error) {
	if c.DynamoDBEndpoint != "" {
		t, err := dynamodb.New(dynamodb.Options{Table: c.TableName, Region: "us-east-1", Endpoint: c.DynamoDBEndpoint})
		if err != nil {
			return storage{}, err
		}
		if err := t.CreateTable(ctx); err != nil {
			return storage{}, err
		}
		changes, err := c.openStream(ctx, t, positions)
		if err != nil {
			return storage{}, err
		}
		c.say("Table %s in the DynamoDB at %s.", c.TableName, c.DynamoDBEndpoint)
		return storage{table: t, stream: changes, key: key, close: func() {}}, nil
	}
	logged, err := local.Logged()
	if err != nil {
		return storage{}, err
	}
	t, err := embedded.Open(embedded.Options{Path: path, Logged: logged})
	switch {
	case errors.Is(err, embedded.ErrLocked):
		return storage{}, unavailable(fmt.Errorf("another service uses %s; stop it, or choose another folder with DATA=", path))
	case errors.Is(err, embedded.ErrDamaged), errors.Is(err, embedded.ErrFormat):
		return storage{}, fmt.Errorf("%w; nothing was changed, restore the file from a backup or choose another folder with DATA=", err)
	case err != nil:
		return storage{}, err
	}
	if path == "" {
		c.say("Table in memory; nothing is kept.")
	} else {
		c.say("Table in %s.", path)
	}
	return storage{table: t, changes: t, key: key, close: func() { _ = t.Close() }}, nil
}

func (c *place) openStream(ctx context.Context, t *dynamodb.Table, positions string) (*stream.Stream, error) {
	arn, err := t.StreamARN(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := stream.OpenPositions(positions)
	if err != nil {
		return nil, err
	}
	return stream.New(stream.Options{Endpoint: c.DynamoDBEndpoint, Region: "us-east-1", ARN: arn, Keep: kept})
}
