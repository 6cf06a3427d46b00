package directory

import (
	"mandate/shared/problem"
	"mandate/shared/store"
)

// User is a user. Her password is an item of its own.
type User struct {
	ID               string
	Name             string
	DomainID         string
	DomainName       string // copied from the domain; a rename is a cascade
	Enabled          bool
	Description      *string
	DefaultProjectID string
	Options          []byte // JSON object; nil is {}
	Extra            []byte // JSON object of attributes that we do not know (D-011); nil is {}

	// Epoch only grows; every token row carries the epochs of the users it stands on.
	// It starts at the creation time in microseconds.
	Epoch int64
	// PasswordVersion also stands in the password's item; unequal in a read means that
	// the read was torn by a change (design.md section 4, law 6). 0: no password.
	PasswordVersion int64

	Groups   store.Set // ids of her groups
	Inherits store.Set // targets on which she herself holds inherited roles
}

// Attribute names of a user's item that conditions and other packages' writes mention.
const (
	AttrEnabled         = "enabled"
	AttrEpoch           = "epoch"
	AttrPasswordVersion = "password_version"
	attrName            = "name"
	attrDomain          = "domain_id"
	attrDomainName      = "domain_name"
	attrDescription     = "description"
	attrDefaultProject  = "default_project_id"
	attrOptions         = "options"
	attrExtra           = "extra"
	attrGroups          = "groups"
	attrInherits        = "inherits"
	attrID              = "id"
)

func (u User) item() store.Item {
	i := store.Item{
		store.AttrType: "user", attrID: u.ID, attrName: u.Name, attrDomain: u.DomainID, attrDomainName: u.DomainName,
		AttrEnabled: u.Enabled, AttrEpoch: u.Epoch, AttrPasswordVersion: u.PasswordVersion,
	}
	setOptional(i, attrDescription, u.Description)
	setText(i, attrDefaultProject, u.DefaultProjectID)
	setBytes(i, attrOptions, u.Options)
	setBytes(i, attrExtra, u.Extra)
	setSet(i, attrGroups, u.Groups)
	setSet(i, attrInherits, u.Inherits)
	return i
}

// UserFrom reads a user's item.
func UserFrom(i store.Item) User {
	return User{
		ID: i.Str(attrID), Name: i.Str(attrName), DomainID: i.Str(attrDomain), DomainName: i.Str(attrDomainName),
		Enabled: i.Bool(AttrEnabled), Epoch: i.Int(AttrEpoch), PasswordVersion: i.Int(AttrPasswordVersion),
		Description: optional(i, attrDescription), DefaultProjectID: i.Str(attrDefaultProject),
		Options: i.Bytes(attrOptions), Extra: i.Bytes(attrExtra), Groups: i.Set(attrGroups), Inherits: i.Set(attrInherits),
	}
}

// Option reports whether a resource option of the user is true (D-050).
func (u User) Option(name string) bool { return Fields(u.Options)[name].Kind() == 't' }

// FindUser is a pass: the user as she stands, enabled or not; NotFound when there is none.
func FindUser(rs *store.ReadSet, id string) (User, error) {
	if !rs.Known(store.User(id), rs.Head()) {
		return User{}, store.ErrPending
	}
	i, _ := rs.Get(store.User(id))
	if i == nil {
		return User{}, problem.NotFound("user", id)
	}
	u := UserFrom(i)
	if err := within(rs, u.DomainID, "user", id); err != nil {
		return User{}, err
	}
	return u, nil
}

// within is a pass: NotFound when the domain of something was deleted. What was in it is
// gone with it, swept or not (D-083).
func within(rs *store.ReadSet, domainID, kind, id string) error {
	head, err := ReadHead(rs)
	if err != nil || !head.Off.Has(domainHash(domainID)) {
		return err
	}
	i, err := rs.Get(store.Domain(domainID))
	if err == nil && i == nil {
		return problem.NotFound(kind, id)
	}
	return err
}

// DomainOf is the domain that a user or project is in.
func DomainOf(i store.Item) string { return i.Str(attrDomain) }

// The functions below keep absent attributes absent: DynamoDB has no null worth storing.

func setText(i store.Item, name, v string) {
	if v != "" {
		i[name] = v
	}
}

func setOptional(i store.Item, name string, v *string) {
	if v != nil {
		i[name] = *v
	}
}

func setBytes(i store.Item, name string, v []byte) {
	if len(v) > 0 {
		i[name] = v
	}
}

func setSet(i store.Item, name string, v store.Set) {
	if len(v) > 0 {
		i[name] = v
	}
}

func optional(i store.Item, name string) *string {
	if !i.Has(name) {
		return nil
	}
	s := i.Str(name)
	return &s
}
