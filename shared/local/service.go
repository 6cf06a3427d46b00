package local

import (
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate"
	"mandate/functions"
	"mandate/functions/cascade"
	"mandate/functions/fallback"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/route"
	"mandate/shared/sam"
)

// Service is every function of the template over one app: what is deployed, in one process.
type Service struct {
	*Gateway
	Cascade lambda.Handler
}

// Serve makes a Service of an app.
func Serve(a *app.App) (*Service, error) {
	t, err := deployed(a)
	if err != nil {
		return nil, err
	}
	areas := functions.Areas()
	handlers := make(map[string]lambda.Handler, len(t.Functions))
	for _, f := range t.Functions {
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
	g, err := New(t, handlers, a.Log)
	if err != nil {
		return nil, err
	}
	return &Service{Gateway: g, Cascade: gateway.Stream(cascade.New(a).Handle)}, nil
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
	t.Functions = slices.DeleteFunc(t.Functions, func(f sam.Function) bool { return len(f.Routes) == 0 && !f.Default && !f.Stream })
	return t, nil
}
