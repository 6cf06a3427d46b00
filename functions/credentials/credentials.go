// Package credentials serves /v3/credentials (contract/directory.md section 11): what
// users keep here to prove who they are elsewhere. What a delegated token may not do to
// them is decided by shared/policy (common.md section 6).
package credentials

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d := a.Directory
	return append(notOffered(), create(d), get(d), list(d), update(d), remove(d))
}

// shown is a credential on the wire.
type shown struct {
	ID        string       `json:"id"`
	Type      string       `json:"type"`
	Blob      string       `json:"blob"`
	UserID    string       `json:"user_id"`
	ProjectID *string      `json:"project_id"`
	Links     api.SelfLink `json:"links"`
}

func show(c *api.Call, v directory.Credential) shown {
	s := shown{
		ID: v.ID, Type: v.Type, Blob: v.Blob.Reveal(), UserID: v.UserID,
		Links: api.SelfLink{Self: c.Link("credentials", v.ID)},
	}
	if v.ProjectID != "" {
		s.ProjectID = &v.ProjectID
	}
	return s
}

type body struct {
	Credential shown `json:"credential"`
}

// attributes are a client's words about a credential, for creating and for changing it.
type attributes struct {
	ID        jsontext.Value    `json:"id"`
	Type      api.Given[string] `json:"type"`
	Blob      api.Given[string] `json:"blob"`
	UserID    api.Given[string] `json:"user_id"`
	ProjectID api.Given[string] `json:"project_id"`
}

func (a *attributes) check() error {
	switch {
	case a.Type.Set && (a.Type.Value == "" || len(a.Type.Value) > 255):
		return problem.Invalid("credential.type", "must have 1 to 255 characters")
	case a.Blob.Null:
		return problem.Invalid("credential.blob", "must be a string")
	case a.UserID.Set && a.UserID.Value == "":
		return problem.Invalid("credential.user_id", "must be the id of a user")
	}
	return nil
}

func (a *attributes) apply(to *directory.Credential) {
	to.Type = a.Type.Or(to.Type)
	to.UserID = a.UserID.Or(to.UserID)
	if a.ProjectID.Set {
		to.ProjectID = a.ProjectID.Value // null takes it away
	}
}

func (a *attributes) blob() *secret.Text {
	if !a.Blob.Set {
		return nil
	}
	b := secret.New(a.Blob.Value)
	return &b
}

type byID struct {
	CredentialID string `path:"credential_id"`
}

func want(rs *store.ReadSet, in byID) { rs.Want(store.Credential(in.CredentialID), rs.Head()) }

// authorize finds the credential of the path and asks policy about its owner.
func authorize(ctx context.Context, c *api.Call, id string) error {
	return c.AuthorizeFound(ctx, func() (policy.Resource, error) {
		v, err := directory.FindCredential(c.Reads, id)
		return policy.Credential{UserID: v.UserID}, err
	})
}
