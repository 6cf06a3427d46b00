package api_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/policy"
)

var anything = policy.Any{}

type regions struct {
	Regions []string `json:"regions"`
	api.Collection
}

func list(next string) api.Operation {
	return api.Op(api.Spec[api.Paging]{Name: "ListRegions", Action: "identity:list_regions"},
		func(_ context.Context, c *api.Call, in api.Paging) (regions, error) {
			if err := c.Authorize(anything); err != nil {
				return regions{}, err
			}
			limit, after := in.Page()
			return regions{[]string{after, string(rune('a' + limit%26))}[:1], c.Collection(next)}, nil
		})
}

func TestCollection(t *testing.T) {
	b := newBench(t)
	get := func(next, query string) reply {
		return b.send(t, list(next), request("GET", "/v3/regions"+query, memberToken, ""))
	}
	t.Run("C-060_self_repeats_the_query", func(t *testing.T) {
		r := get("", "?parent_region_id=a%20b&x")
		assert.Equal(t, "https://id.example/v3/regions?parent_region_id=a%20b&x", r.member(t, "links", "self"))
		assert.JSONEq(t, `{"regions": [""], "links": {"self": "https://id.example/v3/regions?parent_region_id=a%20b&x", "next": null, "previous": null}}`, string(r.body))
	})
	t.Run("C-061_a_cut_list_links_to_the_next_page", func(t *testing.T) {
		r := get("last one", "?limit=1&marker=old&enabled=1")
		assert.Equal(t, true, r.member(t, "truncated"))
		assert.Equal(t, "https://id.example/v3/regions?enabled=1&limit=1&marker=last+one", r.member(t, "links", "next"))
		assert.Nil(t, r.member(t, "links", "previous"))
	})
	t.Run("C-063_limits", func(t *testing.T) {
		for _, limit := range []string{"abc", "0", "-1", "", "1.5", "+1", "99999999999999999999"} {
			r := get("", "?limit="+limit)
			assert.Equal(t, 400, r.StatusCode, limit)
			assert.Contains(t, r.member(t, "error", "message"), "limit")
		}
		assert.Equal(t, 200, get("", "?limit=1").StatusCode)
	})
	t.Run("pages", func(t *testing.T) {
		text := func(s string) *string { return &s }
		for _, c := range []struct {
			in    api.Paging
			limit int
			after string
		}{
			{api.Paging{}, 1000, ""},
			{api.Paging{Limit: text("7"), Marker: text("m")}, 7, "m"},
			{api.Paging{Limit: text("5000")}, 1000, ""},
		} {
			require.NoError(t, c.in.Check())
			limit, after := c.in.Page()
			assert.Equal(t, c.limit, limit)
			assert.Equal(t, c.after, after)
		}
	})
}
