package route_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"mandate/functions/routes"
	"mandate/shared/route"
)

var table = []route.Route{
	{Method: "GET", Path: "/", Operation: "ListVersions"},
	{Method: "GET", Path: "/v3", Operation: "GetVersion"},
	{Method: "GET", Path: "/v3/users/{user_id}", Operation: "GetUser"},
	{Method: "DELETE", Path: "/v3/users/{user_id}", Operation: "DeleteUser"},
	{Method: "GET", Path: "/v3/users/me", Operation: "GetMe"},
	{Method: "GET", Path: "/v3/users/{user_id}/groups/{group_id}", Operation: "GetMembership"},
	{Method: "GET", Path: "/v3/users/me/projects", Operation: "ListMine"},
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		operation          string // "" when no route matches
		parameters         map[string]string
	}{
		{name: "the root", method: "GET", path: "/", operation: "ListVersions"},
		{name: "a literal path", method: "GET", path: "/v3", operation: "GetVersion"},
		{name: "a parameter", method: "GET", path: "/v3/users/ada", operation: "GetUser", parameters: map[string]string{"user_id": "ada"}},
		{name: "a parameter holds anything but a slash", method: "GET", path: "/v3/users/a b?%2F", operation: "GetUser", parameters: map[string]string{"user_id": "a b?%2F"}},
		{name: "a literal beats a parameter", method: "GET", path: "/v3/users/me", operation: "GetMe"},
		{name: "a literal without the method gives way to the parameter", method: "DELETE", path: "/v3/users/me", operation: "DeleteUser", parameters: map[string]string{"user_id": "me"}},
		{name: "a literal that leads nowhere gives way to the parameter", method: "GET", path: "/v3/users/me/groups/g", operation: "GetMembership", parameters: map[string]string{"user_id": "me", "group_id": "g"}},
		{name: "a trailing slash is another path", method: "GET", path: "/v3/"},
		{name: "after a parameter too", method: "GET", path: "/v3/users/ada/"},
		{name: "a parameter is not empty", method: "GET", path: "/v3/users/"},
		{name: "nor in the middle", method: "GET", path: "/v3/users//groups/g"},
		{name: "paths are not cleaned", method: "GET", path: "/v3/users/../users/ada"},
		{name: "nor are slashes", method: "GET", path: "//v3"},
		{name: "letters count", method: "GET", path: "/V3"},
		{name: "a method without a route", method: "HEAD", path: "/v3"},
		{name: "too short", method: "GET", path: "/v3/users"},
		{name: "too long", method: "GET", path: "/v3/users/ada/groups/g/h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, parameters, ok := route.New(table).Match(c.method, c.path)
			assert.Equal(t, c.operation != "", ok)
			assert.Equal(t, c.operation, found.Operation)
			assert.Equal(t, c.parameters, parameters)
		})
	}
}

func TestMethods(t *testing.T) {
	r := route.New(table)
	assert.Equal(t, []string{"DELETE", "GET"}, r.Methods("/v3/users/ada"))
	assert.Equal(t, []string{"DELETE", "GET"}, r.Methods("/v3/users/me"), "of every route that the path could take")
	assert.Empty(t, r.Methods("/v3/unknown"))
	assert.Empty(t, r.Methods("/v3/users/"))
}

// FuzzMatch holds the router to what it says of itself: whatever matches is the route with
// its parameters put in, letter by letter.
func FuzzMatch(f *testing.F) {
	router := route.New(routes.Table)
	for _, r := range routes.Table {
		f.Add(r.Method, r.Path)
		f.Add(r.Method, strings.ReplaceAll(r.Path, "{", "")+"/")
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		found, parameters, ok := router.Match(method, path)
		if !ok {
			return
		}
		var rebuilt []string
		for segment := range strings.SplitSeq(found.Path, "/") {
			if name, isParameter := strings.CutPrefix(segment, "{"); isParameter {
				segment = parameters[strings.TrimSuffix(name, "}")]
				assert.NotEmpty(t, segment)
			}
			rebuilt = append(rebuilt, segment)
		}
		assert.Equal(t, strings.TrimPrefix(path, "/"), strings.TrimPrefix(strings.Join(rebuilt, "/"), "/"))
		assert.Equal(t, method, found.Method)
		assert.Contains(t, router.Methods(path), method)
	})
}
