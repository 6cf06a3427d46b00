package directory

import (
	"mandate/shared/problem"
	"mandate/shared/store"
)

// A claim of a name carries the id of its owner.

func claimed(rs *store.ReadSet, k store.Key, kind string) (string, error) {
	claim, err := rs.Get(k)
	if err != nil {
		return "", err
	}
	if claim == nil {
		return "", problem.NotFound(kind, k.SK)
	}
	return claim.Str(attrID), nil
}

// DomainRef names a domain by id or by name; a name decides over an id (tokens-v3.md section 1).
type DomainRef struct{ ID, Name string }

// maxGuesses bounds the names that a Registry remembers.
const maxGuesses = 1000

// InDomain is a pass: the id of a domain, and of the user or project with a name in it.
// A domain given by its name is guessed from earlier look-ups, so that both names are
// read in one trip; what is read then decides, not the guess.
func (g *Registry) InDomain(rs *store.ReadSet, d DomainRef, kind, name string) (string, error) {
	claim := func(domainID string) store.Key {
		if kind == "project" {
			return store.ProjectName(domainID, name)
		}
		return store.UserName(domainID, name)
	}
	domainID := d.ID
	if d.Name != "" {
		if guess, ok := g.guesses.Load(d.Name); ok {
			rs.Want(claim(guess.(string)))
		}
		var err error
		domainID, err = g.DomainNamed(rs, d.Name)
		if err != nil && !problem.Is(err, problem.KindNotFound) {
			return "", err
		}
		// In an unknown domain, "", nobody is found either, after as many trips.
	}
	return claimed(rs, claim(domainID), kind)
}

// DomainNamed is a pass: the id of the domain with a name.
func (g *Registry) DomainNamed(rs *store.ReadSet, name string) (string, error) {
	id, err := claimed(rs, store.DomainName(name), "domain")
	if err == nil && g.guessed.Load() < maxGuesses {
		if _, known := g.guesses.Swap(name, id); !known {
			g.guessed.Add(1)
		}
	}
	return id, err
}
