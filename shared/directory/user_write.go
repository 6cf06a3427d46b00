package directory

import (
	"context"
	"fmt"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// WantNewUser notes what CreateUser will look at.
func WantNewUser(rs *store.ReadSet, domainID, name string) {
	rs.Want(store.Domain(domainID), rs.Head(), store.UserName(domainID, name))
}

// CreateUser adds a user, with a password unless it is nil. NotFound without the domain
// (D-032), Conflict when the name is taken in it (D-033).
func (d *Directory) CreateUser(ctx context.Context, rs *store.ReadSet, u User, password *secret.Text) (User, error) {
	u.ID, u.Epoch, u.PasswordVersion = newID(), d.epoch(), 0
	var hash string
	if password != nil {
		var err error
		if hash, err = d.hasher.Hash(ctx, *password); err != nil {
			return User{}, fmt.Errorf("hash password of new user: %w", err)
		}
		u.PasswordVersion = 1
	}
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) { return newUser(rs, &u, hash) })
	return u, err
}

// newUser is a pass: the write that adds a user under her id, with a hash unless it is "".
func newUser(rs *store.ReadSet, u *User, hash string) ([]store.Mutation, error) {
	name := store.UserName(u.DomainID, u.Name)
	rs.Want(name)
	dom, err := FindDomain(rs, u.DomainID)
	if err != nil {
		return nil, err
	}
	if err := free(rs, name, u.ID, "user"); err != nil {
		return nil, err
	}
	u.DomainName = dom.Name
	m := []store.Mutation{store.Create(store.User(u.ID), u.item()), claim(name, u.ID), under(dom)}
	if hash != "" {
		m = append(m, store.Create(store.Password(u.ID), passwordItem(hash, u.PasswordVersion)))
	}
	return m, nil
}

// UpdateUser changes a user, and her password unless it is nil (an empty one takes it
// away). Disabling her and changing her password raise her epoch: her tokens are dead
// when this returns, and enabling her does not revive them (D-036, D-037).
func (d *Directory) UpdateUser(ctx context.Context, rs *store.ReadSet, id string, edit func(*User) error, password *secret.Text) (User, error) {
	hash := ""
	if password != nil && !password.Empty() {
		var err error
		if hash, err = d.hasher.Hash(ctx, *password); err != nil {
			return User{}, fmt.Errorf("hash password of user %s: %w", id, err)
		}
	}
	var after User
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		before, err := FindUser(rs, id)
		if err != nil {
			return nil, err
		}
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		var m []store.Mutation
		c := changes(store.User(id))
		if after.Name != before.Name {
			name := store.UserName(before.DomainID, after.Name)
			if err := free(rs, name, id, "user"); err != nil {
				return nil, err
			}
			c.set(attrName, after.Name)
			c.where(store.Equals(attrName, before.Name))
			m = append(m, release(store.UserName(before.DomainID, before.Name), id), claim(name, id))
		}
		c.optional(attrDescription, before.Description, after.Description)
		c.text(attrDefaultProject, before.DefaultProjectID, after.DefaultProjectID)
		c.flag(AttrEnabled, before.Enabled, after.Enabled)
		c.blob(attrOptions, before.Options, after.Options)
		c.blob(attrExtra, before.Extra, after.Extra)
		kills := before.Enabled && !after.Enabled
		if password != nil {
			kills = true
			after.PasswordVersion = before.PasswordVersion + 1
			c.where(store.Equals(AttrPasswordVersion, before.PasswordVersion))
			c.set(AttrPasswordVersion, after.PasswordVersion)
			m = append(m, replacePassword(id, hash, before.PasswordVersion))
		}
		if kills {
			after.Epoch++
			c.add(AttrEpoch, 1)
		}
		return append(m, c.mutations()...), nil
	})
	return after, err
}

// ChangePassword changes the password of a user who has proved the old one (D-047). The
// proof holds for the version of the password it was made against: had she or her password
// been changed meanwhile, the change is Unauthorized.
func (d *Directory) ChangePassword(ctx context.Context, rs *store.ReadSet, proved User, fresh secret.Text) error {
	id, version := proved.ID, proved.PasswordVersion
	hash, err := d.hasher.Hash(ctx, fresh)
	if err != nil {
		return fmt.Errorf("hash password of user %s: %w", id, err)
	}
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		now, err := FindUser(rs, id)
		if err != nil {
			return nil, err
		}
		if now.PasswordVersion != version || !now.Enabled {
			return nil, problem.Unauthorized(fmt.Errorf("user %s was changed meanwhile", id))
		}
		return []store.Mutation{
			store.Update(store.User(id)).Where(store.Equals(AttrPasswordVersion, version), store.Equals(AttrEnabled, true)).
				Set(AttrPasswordVersion, version+1).Add(AttrEpoch, 1),
			replacePassword(id, hash, version),
		}, nil
	})
}

// EndTokens ends all tokens of a user that exist now (D-049).
func (d *Directory) EndTokens(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		if _, err := FindUser(rs, id); err != nil {
			return nil, err
		}
		return []store.Mutation{store.Update(store.User(id)).Add(AttrEpoch, 1)}, nil
	})
}

// A password's item exists exactly when its version is not 0; a password that was taken
// away leaves the item without a hash, so that the version never returns to an old value.

func passwordItem(hash string, version int64) store.Item {
	return store.Item{store.AttrType: "password", attrHash: hash, AttrPasswordVersion: version}
}

func replacePassword(userID, hash string, version int64) store.Mutation {
	if version == 0 {
		i := passwordItem(hash, 1)
		if hash == "" {
			delete(i, attrHash)
		}
		return store.Create(store.Password(userID), i)
	}
	m := store.Update(store.Password(userID)).Where(store.Equals(AttrPasswordVersion, version)).
		Set(AttrPasswordVersion, version+1)
	if hash == "" {
		return m.Remove(attrHash)
	}
	return m.Set(attrHash, hash)
}

// DeleteUser removes a user with her name and password. All that stood on her (tokens,
// grants, trusts) is dead by her absence; what remains of it is swept later.
func (d *Directory) DeleteUser(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		u, err := FindUser(rs, id)
		if err != nil {
			return nil, err
		}
		return removeUser(u), nil
	})
}

func removeUser(u User) []store.Mutation {
	m := []store.Mutation{
		store.Delete(store.User(u.ID)).Where(store.Equals(AttrPasswordVersion, u.PasswordVersion), store.Equals(attrName, u.Name)),
		release(store.UserName(u.DomainID, u.Name), u.ID),
	}
	if u.PasswordVersion > 0 {
		m = append(m, store.Delete(store.Password(u.ID)))
	}
	return m
}
