package directory

import "mandate/shared/policy"

// HomeDomain is where something that a caller creates belongs when she does not say: the
// domain of a domain-scoped token, else the default domain, whatever the domain of the
// token's project (D-031, D-060).
func HomeDomain(c policy.Caller) string {
	if c.ScopeDomainID != "" {
		return c.ScopeDomainID
	}
	return DefaultDomain
}

// PageFor is the part of a list that a caller may see of what she asks for: with a
// domain-scoped token, what is in that domain.
func PageFor(c policy.Caller, domainID, name *string, page func() (limit int, after string)) Page {
	p := Page{DomainID: c.ScopeDomainID, Name: name}
	p.Limit, p.Marker = page()
	if p.DomainID == "" && domainID != nil {
		p.DomainID = *domainID
	}
	return p
}
