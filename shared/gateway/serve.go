package gateway

import (
	"fmt"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/problem"
	"mandate/shared/route"
)

// Operation is the handler of one function: of the operation that its variable OPERATION
// names or, where that names an area, of whichever of its operations the route is for. The rules
// that decide about it are read before it returns.
func Operation(s *api.Server, named, area string, operations []api.Operation, table []route.Route) (http.Handler, error) {
	handlers := make(map[string]http.Handler, len(operations))
	for _, o := range operations {
		if o.Name != named && named != area {
			continue
		}
		if o.Action != "" {
			if err := s.Policy.Ready(o.Action); err != nil {
				return nil, fmt.Errorf("rules about %s: %w", o.Name, err)
			}
		}
		handlers[o.Name] = o.Handler(s)
	}
	if h, ok := handlers[named]; ok {
		return h, nil
	}
	if named != area {
		return nil, fmt.Errorf("OPERATION=%q: must be an operation of area %s, or %s for all of them", named, area, area)
	}
	byRoute := make(map[string]http.Handler, len(table))
	for _, r := range table {
		if h, ok := handlers[r.Operation]; ok {
			byRoute[r.Key()] = h
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := byRoute[r.Pattern]
		if !ok {
			api.Fail(w, r, "", problem.NotFound("the route", r.Pattern))
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}
