package cascade

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/shared/sweep"
	"mandate/shared/walk"
)

// count is how many items a range holds.
func (w *world) count(r store.Range) (n int) {
	w.t.Helper()
	for {
		page, err := w.engine.Query(w.ctx, r)
		require.NoError(w.t, err)
		n += len(page.Entries)
		if page.Next == "" {
			return n
		}
		r.After = page.Next
	}
}

// jobs are the jobs there are, those that wait for their second pass left out.
func (w *world) jobs() (running []store.Entry) {
	w.t.Helper()
	page, err := w.engine.Query(w.ctx, store.Partition(store.Job(0, "")))
	require.NoError(w.t, err)
	for _, e := range page.Entries {
		if !e.Item.Bool("late") {
			running = append(running, e)
		}
	}
	return running
}

// accessTokens gives the consumer c this many access tokens of ada's, as an exchange would.
func (w *world) accessTokens(n int) {
	w.t.Helper()
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		item := store.Item{store.AttrType: "access token", "id": id, "consumer_id": "c", "project_id": w.web, "user_id": w.ada}
		listed := store.Item{store.AttrType: "access token listed", "id": id, "consumer_id": "c", "project_id": w.web}
		require.NoError(w.t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.AccessToken(id), item),
			store.Create(store.AccessOfConsumer("c", id), listed), store.Create(store.AccessOfUser(w.ada, id), listed),
			store.Create(store.AccessOfProject(w.web, id), listed)))
	}
}

func (w *world) listed() int {
	return w.count(store.Prefixed(store.AccessOfConsumer("c", "")))
}

// TestJob_O_140: what is too long for one step goes on by itself, a bounded piece at a time.
func TestJob_O_140_a_consumer_with_many_access_tokens(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Bound = 20
	w.accessTokens(130)
	consumer := store.Consumer("c")
	require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(consumer, store.Item{store.AttrType: "consumer", "id": "c"})))
	w.follow()
	require.NoError(t, w.OAuth1.DeleteConsumer(w.ctx, "c"))

	e, last := w.batch(100)
	require.Empty(t, w.deliver(e))
	assert.InDelta(t, 110, w.listed(), 10, "no more than its bound in place")
	require.Len(t, w.jobs(), 1)
	require.Empty(t, w.deliver(e), "the same batch again")
	require.Len(t, w.jobs(), 1, "makes no second job")
	w.after = last

	for steps := 0; len(w.jobs()) > 0; steps++ {
		before := w.listed()
		e, last := w.batch(1)
		require.NotEmpty(t, e.Records, "the cursor's move is the next step")
		require.Empty(t, w.deliver(e))
		require.Empty(t, w.deliver(e), "again: it has moved on, so nothing happens")
		w.after = last
		require.LessOrEqual(t, before-w.listed(), 20)
		require.Less(t, steps, 1000)
	}
	w.follow()
	assert.Zero(t, w.listed())
	assert.Zero(t, w.count(store.Prefixed(store.AccessOfUser(w.ada, ""))))
	assert.Zero(t, w.count(store.Prefixed(store.AccessOfProject(w.web, ""))))
}

// TestJob_tells: a long job says how far it is, and when it is through.
func TestJob_tells(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	w.Sweeper.Bound, w.Sweeper.Log = 2, slog.New(slog.NewTextHandler(&out, nil))
	w.accessTokens(50)
	require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.Consumer("c"), store.Item{store.AttrType: "consumer", "id": "c"})))
	w.follow()
	require.NoError(t, w.OAuth1.DeleteConsumer(w.ctx, "c"))
	w.follow()
	assert.Zero(t, w.listed())
	assert.Regexp(t, `(?s)msg="sweep goes on" what=consumer.* entries=2\d .*msg="sweep goes on" .*entries=4\d .*msg="sweep done" .*entries=[45]\d `, out.String())
	assert.Less(t, strings.Count(out.String(), "goes on"), 5)
}

// TestJob_again: what an index did not show is found when its list is gone through again.
func TestJob_again(t *testing.T) {
	w := newWorld(t)
	tr := w.grant(nil, w.bob)
	late, _ := w.use(tr)
	w.follow()
	k := store.Token(late.Audit.Hex())
	items, err := w.engine.Read(w.ctx, k)
	require.NoError(t, err)
	hide := func(v store.Value) {
		require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Update(k).Set(store.AttrIndex2, v)))
	}
	hide("elsewhere") // as an index does that has not heard of it
	require.NoError(t, w.Trusts.Delete(w.ctx, tr))
	w.follow()
	hide(items[k].Str(store.AttrIndex2))
	w.follow()
	assert.False(t, w.marked(late))

	w.offset.Add(int64(sweep.Later - time.Minute))
	count, err := w.Sweeper.Due(w.ctx)
	require.NoError(t, err)
	assert.Zero(t, count, "not yet")
	w.offset.Add(int64(2 * time.Minute))
	_, err = w.Sweeper.Due(w.ctx)
	require.NoError(t, err)
	assert.True(t, w.marked(late))
	assert.Zero(t, w.count(store.Partition(store.Job(0, ""))), "what is finished is gone")
}

// TestJob_lost: the step whose record was lost is taken when the jobs are looked through.
func TestJob_lost(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Bound = 20
	w.accessTokens(50)
	require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.Consumer("c"), store.Item{store.AttrType: "consumer", "id": "c"})))
	w.follow()
	require.NoError(t, w.OAuth1.DeleteConsumer(w.ctx, "c"))
	e, last := w.batch(100)
	require.Empty(t, w.deliver(e))
	w.after = last
	for len(w.jobs()) > 0 {
		_, w.after = w.batch(1000) // lost
		w.offset.Add(int64(sweep.Stuck + time.Second))
		count, err := w.Sweeper.Due(w.ctx)
		require.NoError(t, err)
		require.NotZero(t, count)
	}
	assert.Zero(t, w.listed())
}

// TestJob_poison: an entry that cannot be followed does not hold up the rest for ever.
func TestJob_poison(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Bound = 20
	w.accessTokens(30)
	poison := store.AccessOfConsumer("c", "0")
	require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.Consumer("c"), store.Item{store.AttrType: "consumer", "id": "c"}),
		store.Create(poison, store.Item{store.AttrType: "access token listed", "id": strings.Repeat("x", 3000)})))
	w.follow()
	require.NoError(t, w.OAuth1.DeleteConsumer(w.ctx, "c"))
	e, last := w.batch(100)
	require.NotEmpty(t, w.deliver(e), "reported, and given again until the stream gives it up")
	w.after = last
	require.NoError(t, w.Sweeper.Run(w.ctx, walk.Kill{Kind: walk.Consumer, ID: "c"}, w.now(), sweep.NewBudget(0)), "the next reconciliation makes a job of it")
	for range 10 {
		w.offset.Add(int64(sweep.Stuck + time.Second))
		_, err := w.Sweeper.Due(w.ctx)
		require.NoError(t, err)
		_, w.after = w.batch(1000)
	}
	assert.Empty(t, w.jobs())
	assert.Equal(t, 1, w.listed(), "the poison itself stays, and was logged")
}

// TestJob_D_082: a domain goes in bounded steps, nested projects and all; then its id is free.
func TestJob_D_082_a_domain(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Bound = 10
	d, err := w.Directory.CreateDomain(w.ctx, w.reads(), directory.Domain{ID: "0123456789abcdef0123456789abcdef", Name: "large", Enabled: true})
	require.NoError(t, err)
	parent := ""
	for n := range 30 {
		_, err := w.Directory.CreateUser(w.ctx, w.reads(), directory.User{Name: fmt.Sprint("user ", n), DomainID: d.ID, Enabled: true}, nil)
		require.NoError(t, err)
		if n%5 == 0 {
			parent = ""
		}
		p, err := w.Directory.CreateProject(w.ctx, w.reads(), directory.Project{Name: fmt.Sprint("project ", n), DomainID: d.ID, ParentID: parent, Enabled: true})
		require.NoError(t, err)
		parent = p.ID
	}
	_, err = w.Directory.UpdateDomain(w.ctx, w.reads(), d.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
	require.NoError(t, err)
	require.NoError(t, w.Directory.DeleteDomain(w.ctx, w.reads(), d.ID))
	_, err = w.Directory.CreateDomain(w.ctx, w.reads(), directory.Domain{ID: d.ID, Name: "again", Enabled: true})
	require.Error(t, err, "not while something of the old one is there")
	w.follow()
	assert.Zero(t, w.count(store.Partition(store.UserName(d.ID, ""))))
	assert.Zero(t, w.count(store.Partition(store.ProjectName(d.ID, ""))))
	assert.Empty(t, w.jobs())
	_, err = w.Directory.CreateDomain(w.ctx, w.reads(), directory.Domain{ID: d.ID, Name: "again", Enabled: true})
	require.NoError(t, err)
}

// TestJob_T_113: a deleted user's trusts are deleted, given and taken, and a deleted project's.
func TestJob_T_113_trusts_of_a_deleted_user(t *testing.T) {
	w := newWorld(t)
	given := w.grant(nil, w.bob)
	row, text := w.use(given)
	require.NoError(t, w.Directory.DeleteUser(w.ctx, w.reads(), w.bob))
	assert.False(t, w.live(text))
	w.follow()
	items, err := w.engine.Read(w.ctx, store.Trust(given.ID))
	require.NoError(t, err)
	assert.Empty(t, items)
	assert.Zero(t, w.count(store.Prefixed(store.TrustOfTrustor(w.ada, ""))))
	assert.True(t, w.marked(row))

	about := w.grant(nil, w.eve)
	require.NoError(t, w.Directory.DeleteProject(w.ctx, w.reads(), w.web))
	w.follow()
	items, err = w.engine.Read(context.Background(), store.Trust(about.ID))
	require.NoError(t, err)
	assert.Empty(t, items)
}
