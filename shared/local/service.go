package local

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate"
	"mandate/functions"
	"mandate/functions/cascade"
	"mandate/functions/fallback"
	"mandate/functions/publish"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/route"
	"mandate/shared/sam"
	"mandate/shared/store"
)

// Service is every function of the template over one app: what is deployed, in one process.
type Service struct {
	*Gateway
	Streams   []StreamFunction // in the order of the template
	Schedules []ScheduledFunction
}

// StreamFunction is a function on the table's stream, with the settings of its event source
// mapping in the template.
type StreamFunction struct {
	Reader   string // its area, under which its position is kept
	Function lambda.Handler
	Settings sam.Stream
	Timeout  time.Duration
}

// streamFunctions are the functions that can read the stream, by area. Which of them do,
// and how, the template says.
func streamFunctions(a *app.App) map[string]gateway.Changes {
	return map[string]gateway.Changes{
		"cascade": cascade.New(a).Handle,
		"publish": publish.New(a).Handle,
	}
}

// Poller feeds the function from a log.
func (f StreamFunction) Poller(log store.Log, logger *slog.Logger) Poller {
	return Poller{Log: log, Function: f.Function, Reader: f.Reader, Settings: f.Settings, Timeout: f.Timeout, Logger: logger}
}

// Serve makes a Service of an app.
func Serve(a *app.App) (*Service, error) {
	t, err := deployed(a)
	if err != nil {
		return nil, err
	}
	s := &Service{}
	areas, streams := functions.Areas(), streamFunctions(a)
	handlers := make(map[string]lambda.Handler, len(t.Functions))
	for _, f := range t.Functions {
		if f.Stream != nil {
			handle, ok := streams[f.Area]
			if !ok {
				return nil, fmt.Errorf("function %s of the template: no function of %s reads the stream", f.Name, f.Area)
			}
			s.Streams = append(s.Streams, StreamFunction{f.Area, gateway.Stream(handle), *f.Stream, f.Timeout})
			continue
		}
		if len(f.Schedules) > 0 {
			handler, ok := scheduledFunctions(a)[f.Area]
			if !ok {
				return nil, fmt.Errorf("function %s of the template: no function of %s is run by the clock", f.Name, f.Area)
			}
			for _, at := range f.Schedules {
				s.Schedules = append(s.Schedules, ScheduledFunction{f.Name, handler, at, f.Timeout})
			}
			continue
		}
		if f.Default {
			handlers[f.Name] = gateway.HTTP(fallback.New(a.API, t.Routes(), functions.All(a)))
			continue
		}
		operations, ok := areas[f.Area]
		if !ok {
			continue
		}
		h, err := gateway.Operation(a.API, f.Operation, f.Area, operations(a), f.Routes)
		if err != nil {
			return nil, fmt.Errorf("function %s of the template: %w", f.Name, err)
		}
		handlers[f.Name] = gateway.HTTP(h)
	}
	if s.Gateway, err = New(t, handlers, a.Log); err != nil {
		return nil, err
	}
	return s, nil
}

// deployed is the template without what the app's settings switch off: CloudFormation
// leaves out functions by their Condition, and here it is known which operations there are.
func deployed(a *app.App) (*sam.Template, error) {
	t, err := sam.Parse(mandate.Template)
	if err != nil {
		return nil, err
	}
	on := map[string]bool{}
	for _, o := range functions.All(a) {
		on[o.Name] = true
	}
	for i := range t.Functions {
		f := &t.Functions[i]
		f.Routes = slices.DeleteFunc(f.Routes, func(r route.Route) bool { return !on[r.Operation] })
	}
	t.Functions = slices.DeleteFunc(t.Functions, func(f sam.Function) bool {
		return len(f.Routes) == 0 && !f.Default && f.Stream == nil && f.Schedules == nil
	})
	return t, nil
}
