package directory

import (
	"fmt"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// What every validation reads must stay small: an item costs a unit more for each 4 KB. The
// bounds are looked at before a write and are no condition of it: a few more that were let in
// at one moment do no harm.
const (
	// MaxGroups is how many groups a user's item names.
	MaxGroups = 200
	// MaxGrantedGroups is how many groups a project's or domain's item names that hold roles on it.
	MaxGrantedGroups = 200
	// MaxOff is how many disabled domains the head names, 1.7 KB of it. Deleted ones are
	// named beyond that, until they are swept.
	MaxOff = 100
	// maxHeadGrants is how much of the head's 4 KB grants of groups may take, in bytes; what
	// is left is for what ends tokens, which is never refused.
	maxHeadGrants = 2 << 10
)

// roomForGroup refuses a membership beyond MaxGroups.
func roomForGroup(u User) error {
	if len(u.Groups) >= MaxGroups {
		return problem.Conflict("group membership", fmt.Sprintf("a user belongs to at most %d groups", MaxGroups))
	}
	return nil
}

// roomForGrant is a pass: it refuses the first grant of one more group where a project, a
// domain or the head of the directory would have to name too many.
func roomForGrant(rs *store.ReadSet, a store.Actor, t store.Target, head Head) error {
	if a.Kind != store.KindGroup {
		return nil
	}
	if t.Inherited || t.Kind == store.KindSystem {
		size := 0
		for _, name := range append(head.Inherited[:len(head.Inherited):len(head.Inherited)], head.SystemGroups...) {
			size += len(name)
		}
		if size >= maxHeadGrants {
			return problem.Conflict("grant", fmt.Sprintf(
				"groups with roles on the system, and targets on which groups hold inherited roles, take %d bytes together; no more fit", size))
		}
		return nil
	}
	k, _ := targetKey(t)
	i, err := rs.Get(k)
	if err == nil && len(i.Set(attrGrantedGroups)) >= MaxGrantedGroups {
		err = problem.Conflict("grant", fmt.Sprintf("at most %d groups hold roles on one project or domain", MaxGrantedGroups))
	}
	return err
}
