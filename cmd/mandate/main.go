// Command mandate runs the identity service on one machine and looks after its data. It
// decides what an operator types and is told: commands, flags and exit codes; what the
// service itself does is in functions/ and shared/.
//
//	mandate serve                  the service
//	mandate import cloud.jsonl     a whole cloud into its table
//	mandate --help                 the others, the variables and the exit codes
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"
)

type commands struct {
	Serve serveCommand `cmd:"" default:"withargs" help:"Serve the whole API on 127.0.0.1; made ready on its first start."`

	Bootstrap bootstrapCommand `cmd:"" help:"Make the first domain, project, user, roles and catalog; again: enable admin and set its password."`

	Rotate rotateCommand `cmd:"" help:"Replace the sealing key, step by step, as serve does by itself; or end all tokens after a backup was put back."`

	Import importCommand `cmd:"" help:"Bring users, projects, roles, assignments in from a file; interrupted, it goes on where it stopped."`
	Export exportCommand `cmd:"" help:"Write the users, projects, roles, assignments of a running Keystone as such a file."`
	Events eventsCommand `cmd:"" help:"Print what ended tokens, why and by whom; with --follow as it comes."`

	Completion completionCommand `cmd:"" help:"Print what makes bash, zsh or fish complete these commands."`
}

const about = `Mandate is an identity and delegation service that speaks the OpenStack Identity API.

Examples:
  $ mandate serve
    serve http://127.0.0.1:5000, data in .mandate
  $ mandate import --help
    what a command takes, with examples

Settings that are variables only, with their defaults; times in seconds:
  TOKEN_EXPIRATION=3600                  life of a token
  ALLOW_EXPIRED_WINDOW=172800            how long services may still validate an expired one
  ALLOW_RESCOPE_SCOPED_TOKEN=true        whether a scoped token may be turned into another
  LOCKOUT_FAILURE_ATTEMPTS=0             failed logins after which a user is locked; 0: never
  LOCKOUT_DURATION=1800                  for how long
  ADDRESS_FAILURE_ATTEMPTS=100           failed logins after which an address waits; 0: never
  ADDRESS_FAILURE_DURATION=60            for how long
  MAX_REDELEGATION_COUNT=3               generations that may follow a first trust
  OAUTH1_REQUEST_TOKEN_EXPIRATION=28800  life of a request token; 0: for ever
  OAUTH1_ACCESS_TOKEN_EXPIRATION=86400   life of an access token; 0: for ever
  OAUTH1_ALLOW_PLAINTEXT=false           whether PLAINTEXT is taken without https
  OAUTH1_ALLOW_REPEATS=false             whether a signed request may be sent twice
  KEY_ROTATION_PERIOD=7776000            how long a key seals; 0: until told
  POLICY_PRESET=self_service             or keystone, for stock Keystone's rules
  PUBLIC_URL=                            base of all links, without version
  V2=on                                  whether the v2.0 token API is served: on, off
  WEBHOOK_URL=, WEBHOOK_SECRET=, WEBHOOK_HOSTS=
                                         who is told what ended (docs/events.md)
  METRICS_NAMESPACE=Mandate              of the metrics in the log
  LOG_LEVEL=info                         debug, info, warn, error

`

// newParser knows the commands.
func newParser(c *commands) *kong.Kong {
	return kong.Must(c, kong.Name("mandate"), kong.Description(about+exitCodes()), kong.ShortUsageOnError())
}

// main answers a shell that asks how a line may go on, and otherwise does what it is told.
func main() {
	var c commands
	parser := newParser(&c)
	kongcompletion.Register(parser, kongcompletion.WithPredictors(map[string]complete.Predictor{
		"file": complete.PredictFiles("*"), "folder": complete.PredictDirs("*"),
	}))
	k, err := parser.Parse(os.Args[1:])
	if err != nil {
		parser.FatalIfErrorf(usage(err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := newProgress(os.Stderr)
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(p)
	err = k.Run()
	p.end()
	stop()
	if err == nil {
		return
	}
	if errors.Is(err, context.Canceled) {
		err = coded{errors.New("interrupted"), exitInterrupted}
	}
	fmt.Fprintln(os.Stderr, "mandate:", err)
	os.Exit(exitCode(err))
}
