package local

import (
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate"
	"mandate/functions"
	"mandate/functions/cascade"
	"mandate/functions/fallback"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/sam"
)

// Service is every function of the template over one app: what is deployed, in one process.
type Service struct {
	*Gateway
	Cascade lambda.Handler
}

// Serve makes a Service of an app.
func Serve(a *app.App) (*Service, error) {
	t, err := sam.Parse(mandate.Template)
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
