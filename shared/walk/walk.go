// Package walk says what hangs on something that ended, as runs over lists of the table
// that can be cut into steps: each domain package names its own, shared/sweep goes along
// them, a bounded number of entries at a time, or counts what it would find.
//
//	for _, w := range trusts.Walks(walk.Kill{Kind: walk.Trust, ID: id}) { … }
package walk

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"mandate/shared/store"
)

// Kind says what ended.
type Kind string

// What can end. Some only stand in counts.
const (
	Trust    Kind = "trust"
	Preauth  Kind = "preauthentication"
	Token    Kind = "token"
	Chain    Kind = "chain"         // of tokens; the id is its root's audit id in hex
	Request  Kind = "request_token" // of OAuth1
	Access   Kind = "access_token"  // of OAuth1
	Consumer Kind = "consumer"
	User     Kind = "user"
	Epoch    Kind = "epoch"         // what stood on a user before this epoch of hers
	Trustor  Kind = "trustor_epoch" // the tokens of a trust from before this epoch of its trustor
	Group    Kind = "group"
	Project  Kind = "project"
	Domain   Kind = "domain"
	Renamed  Kind = "renamed_domain" // not an end: copies of its name are renewed
	Role     Kind = "role"
	Grant    Kind = "grant"
	Member   Kind = "membership"
	Secret   Kind = "credential"
)

// Kill names something that ended.
type Kill struct {
	Kind  Kind
	ID    string
	Epoch int64 // of a User, Epoch or Trustor: what is older is dead
}

// String is a short text of which [Parse] makes the kill again.
func (k Kill) String() string { return fmt.Sprintf("%s:%d:%s", k.Kind, k.Epoch, k.ID) }

// Parse reads what [Kill.String] wrote.
func Parse(text string) (Kill, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return Kill{}, fmt.Errorf("%q names nothing that ends", text)
	}
	epoch, err := strconv.ParseInt(parts[1], 10, 64)
	return Kill{Kind: Kind(parts[0]), Epoch: epoch, ID: parts[2]}, err
}

// Walk is one run over a list, or, without a Range, one thing to do at its place.
type Walk struct {
	Range store.Range
	// Each does what follows for one entry. It may be repeated, and side by side with others.
	Each func(context.Context, store.Entry) error
	// Ends says what an entry stands for that ends too; ok false: nothing.
	Ends func(store.Entry) (k Kill, ok bool)
	// InTurn says that entries are better taken one after another: all write to one item.
	InTurn bool
	// Then is done once all walks before it are through. It has no Range.
	Then func(context.Context) error
}

// Late reports whether the list may not show yet what was written just before.
func (w Walk) Late() bool { return w.Range.Index != store.Base }

// Run goes along all walks to their ends.
func Run(ctx context.Context, t store.Table, walks []Walk) error {
	for _, w := range walks {
		if w.Then != nil {
			if err := w.Then(ctx); err != nil {
				return err
			}
			continue
		}
		r := w.Range
		for {
			page, err := t.Query(ctx, r)
			if err != nil {
				return fmt.Errorf("list %s: %w", r.PK, err)
			}
			for _, e := range page.Entries {
				if err := w.Each(ctx, e); err != nil {
					return err
				}
			}
			if page.Next == "" {
				break
			}
			r.After = page.Next
		}
	}
	return nil
}
