package versions

import (
	"context"
	"runtime/debug"

	"mandate/shared/api"
)

// healthBody is what somebody reads who looks at a check, and not only at its status.
type healthBody struct {
	Health health `json:"health"`
}

type health struct {
	Status  string `json:"status"`
	Version string `json:"version"` // of the build, as Go names it: v1.2.3, or its commit
	Meaning string `json:"meaning"`
}

// meaning is what a 200 promises. A process that cannot read its configuration, its table
// or its keyset ends while it starts, so that one that answers has read them once.
const meaning = "The service answers. Its configuration is whole, and table and keyset were readable when this process started; neither is read now."

// getHealth answers GET /healthz. It reads nothing, so that a check costs nothing, and
// fails only with the process: a load balancer that took away every process while the table is slow
// would turn a delay into an outage.
func getHealth() api.Operation {
	shown := healthBody{health{"ok", build(), meaning}}
	return api.Op(api.Spec[nothing]{Name: "GetHealth", Open: true},
		func(_ context.Context, c *api.Call, _ nothing) (healthBody, error) {
			c.Header.Set("Cache-Control", "no-store")
			return shown, nil
		})
}

// build is the version that the executable was stamped with.
func build() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
