// Command coldstart measures what a cold start of the function ValidateToken costs of our
// own: the size of the executable that is deployed (arm64, stripped), and how long one for this
// machine takes from its start until it asks the Runtime API for its first event. By then it has read
// its configuration and policy, opened its connection to the table and read and unwrapped the
// keyset. What Lambda itself adds is not in it.
//
//	make coldstart
//
// The table is DynamoDB Local, the Runtime API a listener on loopback. It fails when the
// executable or the median is over its bound. On a machine that is busy with other things look at
// the processor time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/secret"
	"mandate/shared/store/dynamodb"
	"mandate/test/deployed"
	"mandate/test/dynamodblocal"
)

const (
	area        = "auth" // has ValidateToken
	mostBytes   = 16 << 20
	mostToReady = 15 * time.Millisecond
	tableName   = "coldstart"
)

func main() {
	starts := flag.Int("starts", 25, "how often it is started")
	flag.Parse()
	if err := run(context.Background(), *starts); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, starts int) error {
	dir, err := os.MkdirTemp("", "coldstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	arm, err := deployed.Build(ctx, dir, area, "arm64")
	if err != nil {
		return err
	}
	info, err := os.Stat(arm)
	if err != nil {
		return err
	}
	fmt.Printf("executable of %s, arm64, stripped: %.1f MB\n", area, float64(info.Size())/(1<<20))
	own, err := deployed.Build(ctx, dir, area, "")
	if err != nil {
		return err
	}
	env, stop, err := place(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()

	var ready, processor []time.Duration
	for range starts {
		start, err := deployed.Run(ctx, own, env)
		if err != nil {
			return err
		}
		if !start.Ready {
			return fmt.Errorf("the function ended before it was ready: %s", start.Log)
		}
		ready, processor = append(ready, start.After), append(processor, start.Processor)
	}
	slices.Sort(ready)
	slices.Sort(processor)
	at := func(all []time.Duration, part float64) float64 {
		return float64(all[int(part*float64(len(all)-1))].Microseconds()) / 1000
	}
	fmt.Printf("start to ready, %d times: least %.1f ms, median %.1f, p90 %.1f; processor time: median %.1f ms\n",
		starts, at(ready, 0), at(ready, 0.5), at(ready, 0.9), at(processor, 0.5))

	var errs []error
	if info.Size() > mostBytes {
		errs = append(errs, fmt.Errorf("the executable is larger than %d bytes", mostBytes))
	}
	if ready[len(ready)/2] > mostToReady {
		errs = append(errs, fmt.Errorf("the median is over %s", mostToReady))
	}
	return errors.Join(errs...)
}

// place makes a table with a keyset, and returns the environment of a function that uses it.
func place(ctx context.Context, dir string) (env map[string]string, stop func(), err error) {
	server, err := dynamodblocal.Start(ctx, dynamodblocal.Loopback, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			server.Stop()
		}
	}()
	table, err := dynamodb.New(dynamodb.Options{Table: tableName, Region: "us-east-1", Endpoint: server.Endpoint})
	if err != nil {
		return nil, nil, err
	}
	for range 5 { // on a busy machine a table that has just started answers late
		if err = table.CreateTable(ctx); err == nil {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "master.key")
	key, err := secret.OpenMasterKey(file)
	if err != nil {
		return nil, nil, err
	}
	settings := map[string]string{
		"TABLE_NAME": tableName, "DYNAMODB_ENDPOINT": server.Endpoint, "MASTER_KEY_FILE": file, "AWS_REGION": "us-east-1", "OPERATION": "ValidateToken",
	}
	c, err := config.Read(func(name string) string { return settings[name] })
	if err != nil {
		return nil, nil, err
	}
	if _, err := app.New(ctx, app.Parts{Config: c, Table: table, Wrapper: key, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, nil, err
	}
	return settings, server.Stop, nil
}
