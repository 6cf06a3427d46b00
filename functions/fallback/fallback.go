// Package fallback answers what no route of API Gateway matches: 404 for unknown paths,
// 405 with Allow for unknown methods, OPTIONS, and a path with a trailing slash, which
// means the same as without it (common.md, C-011 to C-014).
package fallback

import (
	"net/http"
	"slices"
	"strings"

	"mandate/shared/api"
	"mandate/shared/problem"
	"mandate/shared/route"
)

// New makes the handler of the routes and of all operations, by name. A route whose
// operation is switched off is none.
func New(s *api.Server, table []route.Route, operations []api.Operation) http.Handler {
	f := &fallback{handlers: make(map[string]http.Handler, len(operations))}
	for _, o := range operations {
		f.handlers[o.Name] = o.Handler(s)
	}
	f.router = route.New(slices.DeleteFunc(slices.Clone(table), func(r route.Route) bool { return f.handlers[r.Operation] == nil }))
	return f
}

type fallback struct {
	router   *route.Router
	handlers map[string]http.Handler
}

func (f *fallback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" && trimmed != path {
		path = trimmed
		if matched, parameters, ok := f.router.Match(r.Method, path); ok {
			f.handlers[matched.Operation].ServeHTTP(w, without(r, matched, parameters, path))
			return
		}
	}
	methods := f.router.Methods(path)
	switch {
	case len(methods) == 0:
		api.Fail(w, r, "", &problem.Error{Kind: problem.KindNotFound, Message: "Could not find the requested URL."})
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", strings.Join(allowed(methods), ", "))
		api.Bare(w, http.StatusOK)
	default:
		api.Fail(w, r, "", &problem.Error{
			Kind: problem.KindMethodNotAllowed, Message: "The method is not allowed for the requested URL.", Allow: allowed(methods),
		})
	}
}

// without is the request without its trailing slash, as API Gateway would have sent it.
func without(r *http.Request, matched route.Route, parameters map[string]string, path string) *http.Request {
	again := r.Clone(r.Context())
	again.Pattern = matched.Key()
	again.URL.Path, again.URL.RawPath = path, ""
	for name, value := range parameters {
		again.SetPathValue(name, value)
	}
	return again
}

func allowed(methods []string) []string {
	all := append(slices.Clone(methods), http.MethodOptions)
	slices.Sort(all)
	return all
}
