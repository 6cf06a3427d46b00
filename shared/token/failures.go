package token

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Bound says when logins have failed too often: Attempts failures, the last of them less
// than Duration ago. Those before do not count when they began longer ago than that. No
// attempts: never.
//
// Divergence: a login that succeeds between failures does not take them back, as it does
// in Keystone: counters are written on failures only (C-018), and end by themselves.
type Bound struct {
	Attempts int
	Duration time.Duration
}

// failures are the failed logins of one user or one address, as they were read.
type failures struct {
	count       int64
	first, last time.Time
}

// Attribute names of the items that count failures.
const (
	attrFailures = "failures"
	attrFirst    = "first" // microseconds since 1970
	attrLast     = "last"  // microseconds since 1970
)

func failuresFrom(i store.Item) failures {
	return failures{i.Int(attrFailures), time.UnixMicro(i.Int(attrFirst)), time.UnixMicro(i.Int(attrLast))}
}

// until is the end of the time in which nothing more is tried; zero outside of it.
func (b Bound) until(f failures, now time.Time) time.Time {
	if end := f.last.Add(b.Duration); b.Attempts > 0 && f.count >= int64(b.Attempts) && now.Before(end) {
		return end
	}
	return time.Time{}
}

// count is the mutation that counts one more failure. Where the ones before have ended
// it begins anew, unless somebody else did just now. What is bounded already counts no
// further, so that nobody can draw it out, but is written all the same: a login to a
// locked user takes as long as any other.
func (b Bound) count(k store.Key, f failures, now time.Time) (m store.Mutation, anew bool) {
	m = store.Upsert(k).Set(store.AttrType, "failures").Set(store.AttrTTL, now.Add(2*b.Duration+time.Minute).Unix())
	switch {
	case !b.until(f, now).IsZero():
		return m.Add(attrFailures, 0), false
	case f.count > 0 && f.count < int64(b.Attempts) && now.Before(f.first.Add(b.Duration)):
		return m.Add(attrFailures, 1).Set(attrLast, now.UnixMicro()), false
	}
	seen := store.Absent(attrLast)
	if f.count > 0 {
		seen = store.Equals(attrLast, f.last.UnixMicro())
	}
	return m.Set(attrFailures, int64(1)).Set(attrFirst, now.UnixMicro()).Set(attrLast, now.UnixMicro()).Where(seen), true
}

// watched is one thing whose failures are counted.
type watched struct {
	Bound
	key  store.Key
	seen failures
}

func watch(b Bound, kind, of string) *watched {
	sum := sha256.Sum256([]byte(kind + "\x00" + of))
	return &watched{Bound: b, key: store.Failures(hex.EncodeToString(sum[:16]))}
}

// watch is a pass: the failures that stand against a login by password. An address is one
// of IPv4, or 64 bits of IPv6, which is what one customer gets. A user who is not there is
// watched by the name that was tried, so that she does not differ from one who is.
func (s *Service) watch(rs *store.ReadSet, l Login, userID string) (address, user *watched, err error) {
	var all []*watched
	if from := network(l.Address); s.settings.PerAddress.Attempts > 0 && from != "" {
		address = watch(s.settings.PerAddress, "address", from)
		all = append(all, address)
	}
	if s.settings.PerUser.Attempts > 0 && userID != "" {
		if user = watch(s.settings.PerUser, "user", userID); userID == nobody {
			user = watch(s.settings.PerUser, "name", cmp.Or(l.Password.Domain.ID, l.Password.Domain.Name)+"\x00"+cmp.Or(l.Password.Name, l.Password.UserID))
		}
		all = append(all, user)
	}
	for _, w := range all {
		i, e := rs.Get(w.key)
		w.seen = failuresFrom(i)
		err = cmp.Or(err, e)
	}
	return address, user, err
}

// network is the part of a client's address that failures are counted by.
func network(address string) string {
	if at, err := netip.ParseAddrPort(address); err == nil {
		address = at.Addr().String()
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		network, _ := ip.Prefix(64)
		return network.String()
	}
	return ip.String()
}

// refuse is 429 when too many logins from the address have failed of late.
func (s *Service) refuse(address *watched) error {
	if address == nil {
		return nil
	}
	now := s.now()
	if end := address.until(address.seen, now); !end.IsZero() {
		p := problem.TooMany(errors.New("too many logins from this address have failed"))
		p.RetryAfter = end.Sub(now)
		return p
	}
	return nil
}

// failed counts a failed login, each thing by a write of its own, side by side.
func (s *Service) failed(ctx context.Context, all ...*watched) error {
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for n, w := range all {
		if w != nil {
			group.Go(func() { errs[n] = s.count(ctx, w) })
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func (s *Service) count(ctx context.Context, w *watched) error {
	m, anew := w.count(w.key, w.seen, s.now())
	err := s.table.Write(ctx, store.NewRequestID(), m)
	if _, refused := store.AsRefused(err); refused && anew {
		err = s.table.Write(ctx, store.NewRequestID(), store.Upsert(w.key).Add(attrFailures, 1).Set(attrLast, s.now().UnixMicro()))
	}
	if err != nil {
		return fmt.Errorf("count a failed login: %w", err)
	}
	return nil
}
