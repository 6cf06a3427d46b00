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
	address := flag.String("address", dynamodblocal.Loopback, "address of this machine to listen on, such as that of Docker's bridge")
	port := flag.Int("port", 8000, "port there; 0: any free one")
	untilEOF := flag.Bool("until-eof", false, "also stop at the end of standard input")
	install := flag.String("install", "", "install it into a folder, as LocalStack wants it, instead of running it")
	flag.Parse()
	if *install != "" {
		if err := dynamodblocal.Install(context.Background(), *install); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(*address, *port, *untilEOF); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address string, port int, untilEOF bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := dynamodblocal.Start(ctx, address, port)
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
