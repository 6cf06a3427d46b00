package trust

import (
	"errors"
	"time"

	"mandate/shared/directory"
	"mandate/shared/store"
)

// Standing is a trust that carries authority now, with what it stands on as it was read.
type Standing struct {
	Trust
	Trustor directory.User
	Trustee directory.User
	Project directory.Project // zero when the trust has no project
	Roles   store.Set         // delegated ones and what they imply now
	// Between are the ids of everybody else in the trusts above: hints for whoever will
	// ask again, so that their items come in the first trip.
	Between store.Set
}

// Want notes what a trust may stand on, before any of it has been read; what is unknown
// is "". The first 16 hex digits of a trust's id are enough. It saves trips and decides nothing.
func Want(rs *store.ReadSet, trustorID, trusteeID, projectID string, trustIDs ...string) {
	for _, id := range trustIDs {
		rs.Want(store.Trust(id))
	}
	for _, id := range []string{trustorID, trusteeID} {
		if id != "" {
			rs.Want(store.User(id))
		}
	}
	rs.Want(rs.Head())
	if projectID != "" {
		rs.Want(store.Project(projectID))
		if trustorID != "" {
			rs.Want(store.Grant(store.UserActor(trustorID), store.OnProject(projectID)))
		}
	}
}

// Stand is a pass: the trust, if it may carry authority now. It is asked at login and at
// every validation of every token of the trust, and believes nothing but items just read:
//
//   - the trust and every trust above it are there and unexpired;
//   - the laws of redelegation hold between it and every one of them (redelegate.go);
//   - its trustee, project and trustor are live, and so is everybody above (TR-104, TR-109);
//   - the original trustor, and each later one, still holds every role that it
//     delegates. There is no partial trust (TR-098).
//
// It fails with *directory.Dead; Hollow when the trust is still there but a trustor or
// middle trustee is disabled or lost a role (TR-094, TR-098, TR-109). How many uses are left is
// not asked: that limits issuing, not the tokens issued (trusts.md section 4).
func (s *Service) Stand(rs *store.ReadSet, id string) (Standing, error) {
	if t, err := one(rs, id); err == nil {
		Want(rs, t.TrustorID, t.TrusteeID, t.ProjectID)
	}
	if seen, ok := s.memory.recall(id); ok {
		Want(rs, seen.TrustorID, seen.TrusteeID, seen.ProjectID)
	}
	l, err := s.lineageOf(rs, id)
	if err != nil {
		return Standing{}, err
	}
	if err := l.unexpired(s.now()); err != nil {
		return Standing{}, err
	}
	if err := l.lawful(); err != nil {
		return Standing{}, &directory.Dead{Why: err.Error(), At: store.Trust(id), Reason: directory.Unlawful}
	}
	if err := l.present(rs); err != nil {
		return Standing{}, err
	}
	st := Standing{Trust: l.trust()}
	if st.Trustee, err = directory.LiveUser(rs, st.TrusteeID); err != nil {
		return Standing{}, err
	}
	if st.ProjectID != "" {
		if st.Project, err = directory.LiveProject(rs, st.ProjectID); err != nil {
			return Standing{}, err
		}
	}
	for _, id := range l.users() {
		u, err := directory.LiveUser(rs, id)
		if err != nil {
			return Standing{}, hollow(u, err)
		}
		switch id {
		case st.TrustorID:
			st.Trustor = u
		case st.TrusteeID:
		default:
			st.Between = append(st.Between, id)
		}
	}
	if st.ProjectID == "" {
		return st, nil
	}
	if err := s.held(rs, l, st.RoleIDs); err != nil {
		if lost, ok := errors.AsType[*lostRole](err); ok {
			return Standing{}, &directory.Dead{Why: lost.Error(), At: lost.at, Reason: lost.reason, Hollow: true}
		}
		return Standing{}, err
	}
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return Standing{}, err
	}
	st.Roles = roles.Closure(st.RoleIDs...)
	return st, nil
}

// hollow marks the finding that somebody whom the trust comes from is disabled, which
// is not the end of the trust: it works again when she is enabled (TR-094, TR-109). Whoever
// was deleted, or is in a disabled domain, is a plain finding (TR-096).
func hollow(u directory.User, err error) error {
	if d, ok := errors.AsType[*directory.Dead](err); ok && u.ID != "" && !u.Enabled {
		return &directory.Dead{Why: d.Why, At: d.At, Reason: d.Reason, Hollow: true}
	}
	return err
}

// lostRole says that a trustor does not hold a role that she delegates.
type lostRole struct {
	userID, roleID string
	at             store.Key // the item that says so, and …
	reason         directory.Reason
}

func (e *lostRole) Error() string { return "user " + e.userID + " does not hold role " + e.roleID }

// held is a pass: nil when every trustor of the lineage holds all the roles on its
// project; implied roles count (TR-005), roles that no longer exist do not. It fails with
// *lostRole.
func (s *Service) held(rs *store.ReadSet, l lineage, roleIDs store.Set) error {
	on := store.OnProject(l.trust().ProjectID)
	for _, t := range l { // all in one trip
		rs.Want(store.Grant(store.UserActor(t.TrustorID), on))
	}
	asked := make(map[string]bool, 1)
	for _, t := range l {
		if asked[t.TrustorID] {
			continue
		}
		asked[t.TrustorID] = true
		u, err := directory.FindUser(rs, t.TrustorID)
		if err != nil {
			return missing(rs, store.User(t.TrustorID), err)
		}
		holds, err := s.registry.Held(rs, u, on)
		if err != nil {
			return err
		}
		effective := holds.Roles
		for _, id := range roleIDs {
			if !effective.Has(id) {
				at, reason := holds.Lack(id)
				return &lostRole{u.ID, id, at, reason}
			}
		}
	}
	return nil
}

// usedGrain is how coarse it is known when a trust was last used.
const usedGrain = time.Hour

// Spend is the mutation that notes a use of the trust, to be written in one transaction with
// the row of the token that the use is; false when there is nothing to note. It takes one of
// limited uses. It is one conditional write, not read-then-write, so that of two racing
// logins only one takes the last use (TR-101), and none is taken from a trust that is gone.
//
// When the trust was last used is noted along with a limited use, and otherwise once in an
// hour, so that a trust in much use is no item that everybody writes.
func Spend(t Trust, now time.Time) (store.Mutation, bool) {
	m := store.Update(store.Trust(t.ID)).Set(attrUsed, now.UnixMicro()).Where(store.Equals(attrID, t.ID))
	if t.RemainingUses == nil {
		return m, now.Sub(t.UsedAt) >= usedGrain
	}
	return m.Add(attrUses, -1).Where(store.AtLeast(attrUses, 1)), true
}
