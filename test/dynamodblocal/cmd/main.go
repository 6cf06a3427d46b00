// Command cmd runs DynamoDB Local for other processes of this machine, such as
// `mandate serve`: it prints the endpoint, and stops when it is told to by a signal.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"mandate/test/dynamodblocal"
)

func main() {
	port := flag.Int("port", 8000, "port on 127.0.0.1; 0: any free one")
	untilEOF := flag.Bool("until-eof", false, "also stop at the end of standard input")
	flag.Parse()
	if err := run(*port, *untilEOF); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port int, untilEOF bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := dynamodblocal.Start(ctx, port)
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Println(server.Endpoint)
	if untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-server.Ended():
		return fmt.Errorf("DynamoDB Local ended by itself")
	}
}
