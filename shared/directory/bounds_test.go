package directory_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// TestBounds: what every validation reads names at most so many groups; one more is a
// conflict that says how many, and one that left makes room.
func TestBounds(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	u, p, reader := b.user("ada"), b.project("web", ""), b.role("reader")
	var groups []directory.Group
	for n := range directory.MaxGroups + 1 {
		groups = append(groups, b.group(fmt.Sprintf("team-%03d", n)))
	}
	last := groups[directory.MaxGroups].ID
	for name, add := range map[string]struct{ in, out func(group string) error }{
		"groups of a user": {
			func(g string) error { return b.Join(ctx, b.rs(), g, u.ID) },
			func(g string) error { return b.Leave(ctx, b.rs(), g, u.ID) },
		},
		"groups with roles on a project": {
			func(g string) error {
				return b.Grant(ctx, b.rs(), store.GroupActor(g), store.OnProject(p.ID), reader)
			},
			func(g string) error {
				return b.Revoke(ctx, b.rs(), store.GroupActor(g), store.OnProject(p.ID), reader)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, g := range groups[:directory.MaxGroups] {
				require.NoError(t, add.in(g.ID))
			}
			err := add.in(last)
			requireKind(t, problem.KindConflict, err)
			require.ErrorContains(t, err, "at most 200")
			require.NoError(t, add.in(groups[0].ID), "who is there already stays")
			require.NoError(t, add.out(groups[0].ID))
			require.NoError(t, add.in(last))
		})
	}
	t.Run("groups with roles on the system", func(t *testing.T) {
		granted := 0
		for ; granted < len(groups); granted++ {
			if err := b.Grant(ctx, b.rs(), store.GroupActor(groups[granted].ID), store.OnSystem(), reader); err != nil {
				requireKind(t, problem.KindConflict, err)
				break
			}
		}
		require.Equal(t, 64, granted, "of 32 bytes each")
		require.NoError(t, b.DeleteGroup(ctx, b.rs(), last), "what ends tokens is never refused")
		head, err := b.table.Read(ctx, store.Head(0))
		require.NoError(t, err)
		require.Less(t, store.Size(store.Head(0), head[store.Head(0)]), 4<<10)
	})
}
