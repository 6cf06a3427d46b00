// Package directory decides who exists, who belongs where, and who holds which roles on
// what: users, groups, projects, domains, roles and their implications, grants, the
// catalog (contract/directory.md).
//
// What it decides about the present it decides in passes over a [store.ReadSet]
// (effective.go, live.go), so that a validation of a token reads all that it stands on in
// one trip. Writes are conditional, and kill by one acknowledged write to an item that
// every affected token must read (design.md section 5).
package directory

import (
	"crypto/sha256"
	"encoding/hex"

	"mandate/shared/store"
)

// Head is the head of the directory: what every validation must know, kept small (≤ 4 KB).
// It exists in store.HeadCopies equal copies.
type Head struct {
	Version      int64     // of the head itself; every change carries Equals(version seen)
	Roles        int64     // version of the roles and their implications
	Catalog      int64     // version of the catalog
	Off          store.Set // short hashes of domains that are disabled or gone
	Look         bool      // more domains are disabled than Off names: to know, read the domain
	GoneGroups   store.Set // ids of deleted groups whose members have not all been told
	SystemGroups store.Set // ids of groups that hold roles on the system
	Inherited    store.Set // targets on which groups hold inherited roles: "PROJECT#…", "DOMAIN#…"
	Cleared      int64     // how often something was taken out of Off or GoneGroups because nothing is left of it
}

// Attribute names of the head.
const (
	attrVersion      = "version"
	attrRoles        = "roles"
	attrCatalog      = "catalog"
	attrOff          = "off"
	attrLook         = "look"
	attrGoneGroups   = "gone_groups"
	attrSystemGroups = "system_groups"
	attrInherited    = "inherited"
	attrCleared      = "cleared"
)

// ReadHead is a pass. An absent head means that nothing was bootstrapped: a zero Head.
//
// A trip has no order, so users may have been read before their group was swept, and the
// head after it had forgotten the group; nothing would then tell that their tokens ended.
// The head therefore counts what it forgets, and a read set that meets a new count reads
// again what it has.
func ReadHead(rs *store.ReadSet) (Head, error) {
	i, err := rs.Get(rs.Head())
	if err != nil {
		return Head{}, err
	}
	if err := rs.Behind(i.Int(attrCleared)); err != nil {
		return Head{}, err
	}
	return Head{
		Version: i.Int(attrVersion), Roles: i.Int(attrRoles), Catalog: i.Int(attrCatalog),
		Off: i.Set(attrOff), Look: i.Bool(attrLook), GoneGroups: i.Set(attrGoneGroups), SystemGroups: i.Set(attrSystemGroups),
		Inherited: i.Set(attrInherited), Cleared: i.Int(attrCleared),
	}, nil
}

// domainHash is the short form in which a domain stands in Head.Off. A hit by accident
// costs one read of the domain's item and nothing else.
func domainHash(domainID string) string {
	sum := sha256.Sum256([]byte(domainID))
	return hex.EncodeToString(sum[:8])
}

// mayBeOff reports whether a domain's item must be read to know that it is there and enabled.
func (h Head) mayBeOff(domainID string) bool {
	return h.Look || len(h.Off) > 0 && h.Off.Has(domainHash(domainID))
}

// disable is the change of the head that tells everybody of a disabled domain, as seen from
// h. It is never refused: where Off is full, everybody is told to look for herself.
func (h Head) disable(m store.Mutation, domainID string) store.Mutation {
	if len(h.Off) >= MaxOff {
		return m.Set(attrLook, true)
	}
	return m.Insert(attrOff, domainHash(domainID))
}

// targetName is the form in which a target stands in Head.Inherited and User.Inherits.
func targetName(t store.Target) string { return t.Kind + "#" + t.ID }
