// Package route says which operation a method and path are for. The table of routes is
// made from template.yaml (functions/routes); matching is that of an HTTP API.
package route

import (
	"maps"
	"slices"
	"strings"
)

// Route is one method and path, and the operation that it is for.
type Route struct {
	Method, Path string // the path with its parameters in braces: /v3/users/{user_id}
	Operation    string
	Function     string // logical id in template.yaml
}

// Key is the route as API Gateway names it: GET /v3/users/{user_id}.
func (r Route) Key() string { return r.Method + " " + r.Path }

// Router finds the route of a request: literal segments beat parameters, a trailing
// slash is a segment of its own, and nothing is cleaned or redirected.
type Router struct{ root *node }

type node struct {
	literal map[string]*node
	param   *node
	routes  map[string]Route // by method
}

// New makes a Router.
func New(routes []Route) *Router {
	r := &Router{root: &node{}}
	for _, route := range routes {
		n := r.root
		for _, segment := range segments(route.Path) {
			n = n.child(segment)
		}
		if n.routes == nil {
			n.routes = map[string]Route{}
		}
		n.routes[route.Method] = route
	}
	return r
}

func segments(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }

func (n *node) child(segment string) *node {
	if isParam(segment) {
		if n.param == nil {
			n.param = &node{}
		}
		return n.param
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[segment] == nil {
		n.literal[segment] = &node{}
	}
	return n.literal[segment]
}

// Match returns the route of a request with its path parameters; false when the default
// route takes it. The path is the decoded one: an HTTP API, as Keystone, decodes before it
// routes, so that an encoded slash is a slash.
func (r *Router) Match(method, path string) (Route, map[string]string, bool) {
	parts := segments(path)
	route, ok := find(r.root, method, parts)
	if !ok {
		return Route{}, nil, false
	}
	var parameters map[string]string
	for n, segment := range segments(route.Path) {
		if !isParam(segment) {
			continue
		}
		if parameters == nil {
			parameters = map[string]string{}
		}
		parameters[segment[1:len(segment)-1]] = parts[n]
	}
	return route, parameters, true
}

func find(n *node, method string, parts []string) (Route, bool) {
	if len(parts) == 0 {
		route, ok := n.routes[method]
		return route, ok
	}
	if next := n.literal[parts[0]]; next != nil {
		if route, ok := find(next, method, parts[1:]); ok {
			return route, true
		}
	}
	if n.param != nil && parts[0] != "" {
		return find(n.param, method, parts[1:])
	}
	return Route{}, false
}

// Methods lists the methods that a path has routes for, sorted; none when it is unknown.
func (r *Router) Methods(path string) []string {
	var methods []string
	collect(r.root, segments(path), func(n *node) { methods = append(methods, slices.Collect(maps.Keys(n.routes))...) })
	slices.Sort(methods)
	return slices.Compact(methods)
}

func collect(n *node, parts []string, each func(*node)) {
	if len(parts) == 0 {
		each(n)
		return
	}
	if next := n.literal[parts[0]]; next != nil {
		collect(next, parts[1:], each)
	}
	if n.param != nil && parts[0] != "" {
		collect(n.param, parts[1:], each)
	}
}
