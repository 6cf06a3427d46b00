package api

import (
	"net/url"
	"strconv"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// SelfLink is the links of a member.
type SelfLink struct {
	Self string `json:"self"`
}

// Links are the links of a collection (common.md section 4).
type Links struct {
	Self     string  `json:"self"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"` // always null (C-060)
}

// Collection is what every list has beside its members. Lists embed it:
//
//	type users struct {
//		Users []user `json:"users"`
//		api.Collection
//	}
type Collection struct {
	Links     Links `json:"links"`
	Truncated bool  `json:"truncated,omitzero"`
}

// Collection gives a list its links. next is the marker of the page that follows, the id
// of the last member shown, or "" when nothing was cut off. A cut list says so and links
// to its next page, by the same query with that marker (C-061).
func (c *Call) Collection(next string) Collection {
	list := Collection{Links: Links{Self: c.Self()}}
	if next == "" {
		return list
	}
	query, _ := url.ParseQuery(c.Request.URL.RawQuery)
	query.Set("marker", next)
	link := c.Base + c.Request.URL.EscapedPath() + "?" + query.Encode()
	list.Links.Next, list.Truncated = &link, true
	return list
}

// Paging is the part of a list's request that asks for a page. Lists embed it; one that
// has a Check of its own calls Paging.Check from there.
type Paging struct {
	Limit  *string `query:"limit"`
	Marker *string `query:"marker"`
}

// Check refuses a limit that is not a number of 1 or more (C-063).
func (p Paging) Check() error {
	if p.Limit == nil {
		return nil
	}
	if n, err := strconv.ParseUint(*p.Limit, 10, 31); err != nil || n == 0 {
		return problem.Invalid("limit", "must be an integer of 1 or more")
	}
	return nil
}

// Page is how many members are asked for, 1 to [store.MaxPageItems], and the id after
// which they start, "" for the beginning. The limit has passed Check.
func (p Paging) Page() (limit int, after string) {
	limit = store.MaxPageItems
	if p.Limit != nil {
		if n, err := strconv.Atoi(*p.Limit); err == nil {
			limit = max(1, min(n, limit))
		}
	}
	if p.Marker != nil {
		after = *p.Marker
	}
	return limit, after
}
