// Command mandate runs the identity service on one machine.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve serveCommand `cmd:"" default:"withargs" help:"Serve the whole API on 127.0.0.1; made ready on its first start."`

	Bootstrap bootstrapCommand `cmd:"" help:"Make the first domain, project, user, roles and catalog; again: enable admin and set its password."`

	Rotate rotateCommand `cmd:"" help:"Replace the sealing key, step by step, as serve does by itself; or end all tokens after a backup was put back."`

	Import importCommand `cmd:"" help:"Bring users, projects, roles, assignments in from a file; interrupted, it goes on where it stopped."`
	Export exportCommand `cmd:"" help:"Write the users, projects, roles, assignments of a running Keystone as such a file."`
	Events eventsCommand `cmd:"" help:"Print what ended tokens, why and by whom; with --follow as it comes."`
}

const about = `Mandate is an identity and delegation service that speaks the OpenStack Identity API.

Examples:
  mandate serve                       serve http://127.0.0.1:5000, data in .mandate
  DATA=memory PORT=5001 mandate serve keep nothing, on another port
  TOKEN_EXPIRATION=600 mandate serve  tokens live ten minutes
  ADMIN_PASSWORD=new mandate bootstrap
                                      admin's password was lost (stop the service first)

Settings that are variables only: TOKEN_EXPIRATION and ALLOW_EXPIRED_WINDOW (seconds),
POLICY_PRESET (self_service, keystone), PUBLIC_URL, LOG_LEVEL (debug, info, warn, error),
ALLOW_RESCOPE_SCOPED_TOKEN, MAX_REDELEGATION_COUNT,
OAUTH1_REQUEST_TOKEN_EXPIRATION and OAUTH1_ACCESS_TOKEN_EXPIRATION (seconds, 0 for ever),
KEY_ROTATION_PERIOD (seconds, 0 until told), OAUTH1_ALLOW_PLAINTEXT, OAUTH1_ALLOW_REPEATS (true, false).`

func main() {
	var c commands
	k := kong.Parse(&c, kong.Name("mandate"), kong.Description(about), kong.ShortUsageOnError())
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "mandate:", err)
		os.Exit(1)
	}
}
