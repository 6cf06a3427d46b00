package directory

import (
	"context"
	"fmt"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// Credential is something a user keeps here to prove who she is elsewhere: a certificate,
// a key. What it is, is said by its type and means nothing to us.
type Credential struct {
	ID        string
	UserID    string
	ProjectID string // "" for none
	Type      string
	Blob      secret.Text // in the table sealed by the ring (D-184)
}

const (
	attrUser    = "user_id"
	attrProject = "project_id"
	attrSort    = "sort" // the type of a credential; "type" says what the item is
	attrBlob    = "blob"
)

// credentialPurpose is the associated data of a sealed blob: it opens in its own item
// only. The deployment's id is not in it: after a restore that changes, and blobs must
// still open.
func credentialPurpose(id string) []byte { return []byte("mandate credential 1 " + id) }

func (d *Directory) sealBlob(ctx context.Context, c Credential) ([]byte, error) {
	sealed, err := d.rings.Seal(ctx, []byte(c.Blob.Reveal()), credentialPurpose(c.ID))
	if err != nil {
		return nil, fmt.Errorf("seal blob of credential %s: %w", c.ID, err)
	}
	return sealed, nil
}

// openBlob reads a credential's item with its blob.
func (d *Directory) openBlob(ctx context.Context, i store.Item) (Credential, error) {
	c := credentialFrom(i)
	plain, err := d.rings.Open(ctx, i.Bytes(attrBlob), credentialPurpose(c.ID))
	if err != nil {
		return Credential{}, fmt.Errorf("open blob of credential %s: %w", c.ID, err)
	}
	c.Blob = secret.New(string(plain))
	return c, nil
}

// credentialFrom reads a credential's item without its blob, or a mirror of it.
func credentialFrom(i store.Item) Credential {
	return Credential{ID: i.Str(attrID), UserID: i.Str(attrUser), ProjectID: i.Str(attrProject), Type: i.Str(attrSort)}
}

// mirror is what stands in the lists: whose it is, so that a sweep finds the others.
func (c Credential) mirror() store.Item {
	i := store.Item{store.AttrType: "credential_mirror", attrID: c.ID, attrUser: c.UserID}
	setText(i, attrProject, c.ProjectID)
	return i
}

// lists are the keys of a credential's mirrors.
func (c Credential) lists() []store.Key {
	k := []store.Key{store.CredentialList(c.ID), store.CredentialOfUser(c.UserID, c.ID)}
	if c.ProjectID != "" {
		k = append(k, store.CredentialOfProject(c.ProjectID, c.ID))
	}
	return k
}

// FindCredential is a pass: a credential without its blob. One whose user or project is
// gone is gone too, swept or not (D-042, D-071).
func FindCredential(rs *store.ReadSet, id string) (Credential, error) {
	i, err := rs.Get(store.Credential(id))
	if err != nil {
		return Credential{}, err
	}
	if i == nil {
		return Credential{}, problem.NotFound("credential", id)
	}
	c := credentialFrom(i)
	if err := c.stands(rs); err != nil {
		if problem.Is(err, problem.KindNotFound) {
			err = problem.NotFound("credential", id)
		}
		return Credential{}, err
	}
	return c, nil
}

// stands is a pass: NotFound when the user or the project is gone.
func (c Credential) stands(rs *store.ReadSet) error {
	rs.Want(store.User(c.UserID), rs.Head())
	if c.ProjectID != "" {
		rs.Want(store.Project(c.ProjectID))
	}
	if _, err := FindUser(rs, c.UserID); err != nil {
		return err
	}
	if c.ProjectID == "" {
		return nil
	}
	_, err := FindProject(rs, c.ProjectID)
	return err
}

// hung is a pass: stands, for a client who named the user and the project in a body.
func (c Credential) hung(rs *store.ReadSet) error {
	err := c.stands(rs)
	if problem.Is(err, problem.KindNotFound) {
		return problem.Invalid("credential", "must name a user and a project that exist")
	}
	return err
}

// under are the checks that what a credential hangs under is there (law 7).
func (c Credential) under() []store.Mutation {
	m := []store.Mutation{store.Check(store.User(c.UserID))}
	if c.ProjectID != "" {
		m = append(m, store.Check(store.Project(c.ProjectID)))
	}
	return m
}

// CreateCredential keeps a credential. Invalid when its user or project does not exist.
func (d *Directory) CreateCredential(ctx context.Context, rs *store.ReadSet, c Credential) (Credential, error) {
	c.ID = newID()
	sealed, err := d.sealBlob(ctx, c)
	if err != nil {
		return Credential{}, err
	}
	err = d.commit(ctx, rs, func() ([]store.Mutation, error) {
		if err := c.hung(rs); err != nil {
			return nil, err
		}
		i := c.mirror()
		i[store.AttrType], i[attrSort], i[attrBlob] = "credential", c.Type, sealed
		m := append(c.under(), store.Create(store.Credential(c.ID), i))
		for _, k := range c.lists() {
			m = append(m, store.Create(k, c.mirror()))
		}
		return m, nil
	})
	return c, err
}

// Credential shows a credential with its blob.
func (d *Directory) Credential(ctx context.Context, rs *store.ReadSet, id string) (c Credential, err error) {
	var item store.Item
	err = rs.Settle(ctx, func() error {
		if _, err := FindCredential(rs, id); err != nil {
			return err
		}
		item, err = rs.Get(store.Credential(id))
		return err
	})
	if err != nil {
		return Credential{}, err
	}
	return d.openBlob(ctx, item)
}

// UpdateCredential changes a credential, and its blob unless that is nil; edit sees it
// without its blob. Whoever it is given to must exist.
func (d *Directory) UpdateCredential(ctx context.Context, rs *store.ReadSet, id string, edit func(*Credential) error, blob *secret.Text) (Credential, error) {
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		before, err := FindCredential(rs, id)
		if err != nil {
			return nil, err
		}
		after := before
		if err := edit(&after); err != nil {
			return nil, err
		}
		if err := after.hung(rs); err != nil {
			return nil, err
		}
		u := changes(store.Credential(id))
		u.text(attrSort, before.Type, after.Type)
		u.text(attrUser, before.UserID, after.UserID)
		u.text(attrProject, before.ProjectID, after.ProjectID)
		if blob != nil {
			after.Blob = *blob
			sealed, err := d.sealBlob(ctx, after)
			if err != nil {
				return nil, err
			}
			u.set(attrBlob, sealed)
		}
		if before.UserID == after.UserID && before.ProjectID == after.ProjectID {
			return u.mutations(), nil
		}
		u.where(store.Equals(attrUser, before.UserID), projectIs(before.ProjectID))
		m := append(u.mutations(), after.under()...)
		// The sweep of what it leaves must not meet it on its way.
		if before.UserID != after.UserID {
			m = append(m, store.Check(store.User(before.UserID)))
		}
		if before.ProjectID != after.ProjectID && before.ProjectID != "" {
			m = append(m, store.Check(store.Project(before.ProjectID)))
		}
		for _, k := range before.lists() {
			m = append(m, store.Delete(k))
		}
		return moved(m, after), nil
	})
	if err != nil {
		return Credential{}, err
	}
	return d.Credential(ctx, rs, id)
}

func projectIs(id string) store.Condition {
	if id == "" {
		return store.Absent(attrProject)
	}
	return store.Equals(attrProject, id)
}

// moved puts a credential into the lists where it belongs now: a mirror that was to be
// deleted and is wanted again is changed instead, because a write touches a key once.
func moved(m []store.Mutation, after Credential) []store.Mutation {
	for _, k := range after.lists() {
		again := false
		for n := range m {
			if m[n].Kind == store.KindDelete && m[n].Key == k {
				m[n] = store.Update(k).Set(attrUser, after.UserID).Set(attrProject, orAbsent(after.ProjectID))
				again = true
			}
		}
		if !again {
			m = append(m, store.Create(k, after.mirror()))
		}
	}
	return m
}

func orAbsent(text string) store.Value {
	if text == "" {
		return nil
	}
	return text
}

// DeleteCredential removes a credential.
func (d *Directory) DeleteCredential(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		c, err := FindCredential(rs, id)
		if err != nil {
			return nil, err
		}
		m := []store.Mutation{store.Delete(store.Credential(id)).Where(store.Equals(attrUser, c.UserID), projectIs(c.ProjectID))}
		for _, k := range c.lists() {
			m = append(m, store.Delete(k))
		}
		return m, nil
	})
}

// CredentialPage is the part of the list of credentials that is wanted.
type CredentialPage struct {
	UserID string // "" for those of all users
	Marker string // id of the last one seen; "" begins
	Limit  int    // 1 or more
}

// Credentials lists the credentials that keep lets through, by their ids; more says that
// the list was cut. keep sees them without their blobs.
func (d *Directory) Credentials(ctx context.Context, rs *store.ReadSet, p CredentialPage, keep func(Credential) bool) (list []Credential, more bool, err error) {
	key := func(id string) store.Key { return store.CredentialList(id) }
	if p.UserID != "" {
		key = func(id string) store.Key { return store.CredentialOfUser(p.UserID, id) }
	}
	if p.Marker != "" {
		err := rs.Settle(ctx, func() error { _, err := FindCredential(rs, p.Marker); return err })
		if err != nil {
			return nil, false, err
		}
	}
	r := store.Prefixed(key(""))
	for {
		page, err := d.table.Query(ctx, r)
		if err != nil {
			return nil, false, fmt.Errorf("list credentials: %w", err)
		}
		for _, e := range page.Entries {
			c := credentialFrom(e.Item)
			rs.Want(store.Credential(c.ID), store.User(c.UserID))
			if c.ProjectID != "" {
				rs.Want(store.Project(c.ProjectID))
			}
		}
		for _, e := range page.Entries {
			id := e.Item.Str(attrID)
			if id <= p.Marker {
				continue
			}
			var c Credential
			err := rs.Settle(ctx, func() (err error) { c, err = FindCredential(rs, id); return err })
			if problem.Is(err, problem.KindNotFound) || err == nil && !keep(c) {
				continue
			}
			if err != nil {
				return nil, false, err
			}
			if len(list) == p.Limit {
				return list, true, nil
			}
			if c, err = d.Credential(ctx, rs, id); err != nil {
				return nil, false, err
			}
			list = append(list, c)
		}
		if page.Next == "" {
			return list, false, nil
		}
		r.After = page.Next
	}
}
