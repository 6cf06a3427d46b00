package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// This file alone knows what keys look like. Everything is in one table; `…` is an id.
//
//	partition key (pk)          sort key (sk)                     what it is
//	─────────────────────────── ───────────────────────────────── ─────────────────────────────────────────
//	HEAD#0 … HEAD#F             HEAD                              head of the directory, 16 equal copies
//	KEYSET                      KEYSET                            sealing keys, wrapped
//	DEPLOYMENT                  DEPLOYMENT                        id of this deployment, part of every token
//	USER#…                      USER                              user: enabled, epoch, groups, domain
//	                            PASSWORD                          password hash and its version
//	                            GRANT#PROJECT#…  [#INHERITED]     roles of the user on a project …
//	                            GRANT#DOMAIN#…   [#INHERITED]     … on a domain
//	                            GRANT#SYSTEM                      … on the system
//	                            TRUST#…                           list of trusts she made
//	                            TRUSTEE#…                         list of trusts made to her
//	                            PREAUTH#…                         pre-authentication: her own handle on a trust of hers
//	                            PREFOR#… (delegate) #…            list of them by delegate
//	                            CREDENTIAL#…                      list of her credentials
//	                            REQUEST#…  ACCESS#…               lists of OAuth1 tokens that she authorised
//	GROUP#…                     GROUP                             group
//	                            MEMBER#…                          list of its members
//	                            GRANT#…                           roles of the group, as for a user
//	PROJECT#…                   PROJECT                           project: enabled, domain, ancestors
//	                            GRANT#USER#…  GRANT#GROUP#…       list of who holds roles on it [#INHERITED]
//	                            CHILD#…                           list of projects below it
//	                            TRUST#…                           list of trusts about it
//	                            CREDENTIAL#…                      list of credentials for it
//	                            REQUEST#…  ACCESS#…               lists of OAuth1 tokens about it
//	DOMAIN#…                    DOMAIN                            domain
//	                            GRANT#USER#…  GRANT#GROUP#…       list of who holds roles on it [#INHERITED]
//	                            CHILD#…                           list of top projects of it
//	SYSTEM                      GRANT#USER#…  GRANT#GROUP#…       list of who holds roles on the system
//	ROLES                       … (role id)                       role with what it implies; kept in memory
//	CATALOG                     SERVICE#… ENDPOINT#… REGION#…     catalog; kept in memory
//	NAME#USER#… (domain)        … (name)                          claim of a unique name, look-up, sorted list
//	NAME#PROJECT#… NAME#GROUP#… NAME#ROLE#… (domain, or none)     the same
//	NAME#DOMAIN                 … (name)                          the same
//	NAME#TRUST                  … (digest)                        claim against duplicate expiring trusts
//	TRUST#… (first 8 bytes)     TRUST                             trust, with its ancestors
//	                            CHILD#…                           list of trusts redelegated from it
//	LIST#TRUST#0 … #F           … (trust id)                      list of all trusts
//	CREDENTIAL#…                CREDENTIAL                        credential, its blob sealed
//	LIST#CREDENTIAL             … (credential id)                 list of all credentials
//	CONSUMER#…                  CONSUMER                          OAuth1 consumer, its secret sealed
//	                            REQUEST#…  ACCESS#…               lists of its request and access tokens
//	LIST#CONSUMER               … (consumer id)                   list of all consumers
//	REQUEST#…                   REQUEST                           OAuth1 request token, its secrets sealed
//	ACCESS#…                    ACCESS                            OAuth1 access token, its secret sealed
//	NONCE#… (consumer) #digest  NONCE                             signed request that was used
//	TOKEN#… (first 8 bytes)     TOKEN                             token row, by audit id
//	LIST#REVOKED#0 … #F         … (time, audit id)                list of revoked tokens, until they expire
//	FAILURES#… (digest)         FAILURES                          logins that failed of late, by user or address
//	GONE#ROLE#…                 GONE                              role that was deleted: its id is not given again
//	IMPORT#… (digest of a file) IMPORT                            how far an interrupted import came
//	JOBS                        … (due time) #what                a cascade too long for one step, or to pass again
//	EVENT#… (hour) #shard       … (time, id)                      revocation event
//	AUTHOR#… (pk of an item)    … (its sk)                        who deleted that item, for whoever tells of it
//
//	index 1 (i1, audit)         USER#… (acting user)              live tokens of a user
//	index 2 (i2, audit)         CHAIN#… (root), TRUST#…, ACCESS#… tokens of a chain, a trust, an access token
//
// Trust and token keys carry the first 8 bytes of the id, because that is what fits into
// a token's hints; the full id stands in the item and is compared.

// HeadCopies is how many equal copies of the head there are. One is read at random; all
// are written in one transaction.
const HeadCopies = 16

// Head is one copy of the head of the directory, 0 ≤ n < HeadCopies.
func Head(n int) Key {
	return Key{"HEAD#" + strconv.FormatInt(int64(n), 16), "HEAD"}
}

// Keyset holds the wrapped sealing keys.
func Keyset() Key { return Key{"KEYSET", "KEYSET"} }

// Deployment holds the id of this deployment.
func Deployment() Key { return Key{"DEPLOYMENT", "DEPLOYMENT"} }

// User is a user's item.
func User(id string) Key { return Key{"USER#" + id, "USER"} }

// Password holds a user's password hash.
func Password(userID string) Key { return Key{"USER#" + userID, "PASSWORD"} }

// Group is a group's item.
func Group(id string) Key { return Key{"GROUP#" + id, "GROUP"} }

// Member lists a user in her group.
func Member(groupID, userID string) Key { return Key{"GROUP#" + groupID, "MEMBER#" + userID} }

// Project is a project's item.
func Project(id string) Key { return Key{"PROJECT#" + id, "PROJECT"} }

// Domain is a domain's item.
func Domain(id string) Key { return Key{"DOMAIN#" + id, "DOMAIN"} }

// Child lists a project under its parent, which is a project or, at the top, a domain.
func Child(parent Target, projectID string) Key { return Key{parent.pk(), "CHILD#" + projectID} }

// An Actor can hold roles: a user or a group.
type Actor struct{ Kind, ID string }

// A Target is what roles are held on.
type Target struct {
	Kind      string // one of the constants below
	ID        string // "" for the system
	Inherited bool   // the grant applies below the target, not to it
}

// Kinds of actors and targets, as they stand in keys.
const (
	KindUser    = "USER"
	KindGroup   = "GROUP"
	KindProject = "PROJECT"
	KindDomain  = "DOMAIN"
	KindSystem  = "SYSTEM"
)

// UserActor and the functions below name actors and targets.
func UserActor(id string) Actor { return Actor{KindUser, id} }

// GroupActor is a group as a holder of roles.
func GroupActor(id string) Actor { return Actor{KindGroup, id} }

// OnProject is a project as a target.
func OnProject(id string) Target { return Target{Kind: KindProject, ID: id} }

// OnDomain is a domain as a target.
func OnDomain(id string) Target { return Target{Kind: KindDomain, ID: id} }

// OnSystem is the system as a target.
func OnSystem() Target { return Target{Kind: KindSystem} }

// Below is the target's descendants: projects below a project, or of a domain.
func (t Target) Below() Target { t.Inherited = true; return t }

func (a Actor) pk() string { return a.Kind + "#" + a.ID }

func (t Target) pk() string { return t.after("") }

// after is a target's name behind a prefix, made at once: nearly every request wants it.
func (t Target) after(prefix string) string {
	if t.Kind == KindSystem {
		return prefix + KindSystem
	}
	return prefix + t.Kind + "#" + t.ID
}

func (t Target) suffix() string {
	if t.Inherited {
		return "#INHERITED"
	}
	return ""
}

// Grant is the set of roles of an actor on a target.
func Grant(a Actor, t Target) Key { return Key{a.pk(), t.after("GRANT#") + t.suffix()} }

// GrantMirror lists an actor's grant under its target.
func GrantMirror(a Actor, t Target) Key { return Key{t.pk(), "GRANT#" + a.pk() + t.suffix()} }

// Role is a role with what it implies.
func Role(id string) Key { return Key{"ROLES", id} }

// GoneRole stands for a role that was deleted. Grants and trusts may name it for ever.
func GoneRole(id string) Key { return Key{"GONE#ROLE#" + id, "GONE"} }

// Import is how far the import of a file came, by the digest of its content.
func Import(digest string) Key { return Key{"IMPORT#" + digest, "IMPORT"} }

// Service, Endpoint and Region are the catalog.
func Service(id string) Key { return Key{"CATALOG", "SERVICE#" + id} }

// Endpoint is an endpoint of a service.
func Endpoint(id string) Key { return Key{"CATALOG", "ENDPOINT#" + id} }

// Region is a region.
func Region(id string) Key { return Key{"CATALOG", "REGION#" + id} }

// UserName claims a user's name within its domain.
func UserName(domainID, name string) Key { return Key{"NAME#USER#" + domainID, name} }

// ProjectName claims a project's name within its domain.
func ProjectName(domainID, name string) Key { return Key{"NAME#PROJECT#" + domainID, name} }

// GroupName claims a group's name within its domain.
func GroupName(domainID, name string) Key { return Key{"NAME#GROUP#" + domainID, name} }

// RoleName claims a role's name; domainID is "" for global roles.
func RoleName(domainID, name string) Key { return Key{"NAME#ROLE#" + domainID, name} }

// DomainName claims a domain's name.
func DomainName(name string) Key { return Key{"NAME#DOMAIN", name} }

// TrustClaim claims the tuple that two live trusts must not share (TR-025), by its digest.
func TrustClaim(digest string) Key { return Key{"NAME#TRUST", digest} }

// shortHex is how much of an id stands in the key of a trust or token: 8 bytes in hex.
const shortHex = 16

func short(id string) string { return id[:min(shortHex, len(id))] }

// Trust is a trust's item; id may be the full id or its first 16 hex digits.
func Trust(id string) Key { return Key{"TRUST#" + short(id), "TRUST"} }

// TrustChild lists a redelegated trust under its parent.
func TrustChild(parentID, id string) Key { return Key{"TRUST#" + short(parentID), "CHILD#" + id} }

// TrustOfTrustor, TrustOfTrustee and TrustOfProject list a trust where it is looked for.
func TrustOfTrustor(userID, id string) Key { return Key{"USER#" + userID, "TRUST#" + id} }

// TrustOfTrustee lists a trust under the user it was made to.
func TrustOfTrustee(userID, id string) Key { return Key{"USER#" + userID, "TRUSTEE#" + id} }

// TrustOfProject lists a trust under the project it is about.
func TrustOfProject(projectID, id string) Key { return Key{"PROJECT#" + projectID, "TRUST#" + id} }

// Preauth is a creator's pre-authentication.
func Preauth(userID, id string) Key { return Key{"USER#" + userID, "PREAUTH#" + id} }

// PreauthFor lists a pre-authentication by its delegate.
func PreauthFor(userID, delegateID, id string) Key {
	return Key{"USER#" + userID, "PREFOR#" + delegateID + "#" + id}
}

// Credential is a user's credential, with its blob sealed.
func Credential(id string) Key { return Key{"CREDENTIAL#" + id, "CREDENTIAL"} }

// CredentialOfUser, CredentialOfProject and CredentialList list a credential where it is
// looked for.
func CredentialOfUser(userID, id string) Key { return Key{"USER#" + userID, "CREDENTIAL#" + id} }

// CredentialOfProject lists a credential under the project it is for.
func CredentialOfProject(projectID, id string) Key {
	return Key{"PROJECT#" + projectID, "CREDENTIAL#" + id}
}

// CredentialList lists a credential among all credentials.
func CredentialList(id string) Key { return Key{"LIST#CREDENTIAL", id} }

// Consumer is an OAuth1 consumer.
func Consumer(id string) Key { return Key{"CONSUMER#" + id, "CONSUMER"} }

// ConsumerList lists a consumer among all consumers.
func ConsumerList(id string) Key { return Key{"LIST#CONSUMER", id} }

// RequestToken is an OAuth1 request token.
func RequestToken(id string) Key { return Key{"REQUEST#" + id, "REQUEST"} }

// RequestOfConsumer, RequestOfProject and RequestOfUser list a request token under its
// consumer, the project it is about and, once authorised, its user.
func RequestOfConsumer(consumerID, id string) Key {
	return Key{"CONSUMER#" + consumerID, "REQUEST#" + id}
}

// RequestOfProject lists a request token under its project.
func RequestOfProject(projectID, id string) Key { return Key{"PROJECT#" + projectID, "REQUEST#" + id} }

// RequestOfUser lists a request token under the user who authorised it.
func RequestOfUser(userID, id string) Key { return Key{"USER#" + userID, "REQUEST#" + id} }

// AccessToken is an OAuth1 access token.
func AccessToken(id string) Key { return Key{"ACCESS#" + id, "ACCESS"} }

// AccessOfConsumer, AccessOfProject and AccessOfUser list an access token under its
// consumer, its project and the user whose authority it carries.
func AccessOfConsumer(consumerID, id string) Key {
	return Key{"CONSUMER#" + consumerID, "ACCESS#" + id}
}

// AccessOfProject lists an access token under its project.
func AccessOfProject(projectID, id string) Key { return Key{"PROJECT#" + projectID, "ACCESS#" + id} }

// AccessOfUser lists an access token under its user.
func AccessOfUser(userID, id string) Key { return Key{"USER#" + userID, "ACCESS#" + id} }

// Nonce claims a signed request, by a digest of what makes it unlike any other.
func Nonce(consumerID, digest string) Key { return Key{"NONCE#" + consumerID + "#" + digest, "NONCE"} }

// TrustLists is how many partitions the list of all trusts has.
const TrustLists = 16

// TrustList lists a trust among all trusts, spread by the first digit of its id.
func TrustList(id string) Key { return Key{"LIST#TRUST#" + id[:1], id} }

// Token is a token's row; audit is the audit id in hex or its first 16 digits.
func Token(auditHex string) Key { return Key{"TOKEN#" + short(auditHex), "TOKEN"} }

// RevokedLists is how many partitions the list of revoked tokens has.
const RevokedLists = 16

// Revoked lists a token by when it was revoked, in microseconds since 1970, spread by the
// first digit of its audit id.
func Revoked(at int64, auditHex string) Key {
	return Key{"LIST#REVOKED#" + auditHex[:1], fmt.Sprintf("%017d#%s", at, auditHex)}
}

// EventShards is how many partitions the events of one hour have.
const EventShards = 4

// Event is a revocation event, by when it happened and its id, 32 hex digits. An hour's
// events are spread by the last digit of their ids.
func Event(at time.Time, id string) Key {
	digit, _ := strconv.ParseUint(id[len(id)-1:], 16, 8)
	return Key{eventHour(at, int(digit)%EventShards), EventPlace(at, id)}
}

// EventHour is one shard of the events of the hour that a time falls in, 0 ≤ shard < EventShards.
func EventHour(at time.Time, shard int) Range { return Range{PK: eventHour(at, shard)} }

func eventHour(at time.Time, shard int) string {
	return "EVENT#" + at.UTC().Format("2006-01-02T15") + "#" + strconv.Itoa(shard)
}

// EventPlace is where an event stands among all events; places sort as events happened.
func EventPlace(at time.Time, id string) string { return fmt.Sprintf("%017d#%s", at.UnixMicro(), id) }

// Author says who deleted the item of a key.
func Author(k Key) Key { return Key{"AUTHOR#" + k.PK, k.SK} }

// Evidence reports whether tokens stand on the item, so that changing it can end one.
// The head is left out: it never changes alone.
func (k Key) Evidence() bool {
	kind, _, _ := strings.Cut(k.PK, "#")
	switch kind {
	case KindUser, KindGroup:
		return k.SK == kind || strings.HasPrefix(k.SK, "GRANT#")
	case KindProject, KindDomain, "TRUST", "CONSUMER", "ACCESS", "TOKEN":
		return k.SK == kind
	}
	return kind == "ROLES"
}

// Named is how callers know the item: its kind, "" for what is nothing to them, and its id. A
// grant's id is the path of the API where its roles are listed, without the last step. Ids
// of tokens and trusts are cut short in keys, and so they are here.
func (k Key) Named() (kind, id string) {
	pk, id, _ := strings.Cut(k.PK, "#")
	if target, ok := strings.CutPrefix(k.SK, "GRANT#"); ok && (pk == KindUser || pk == KindGroup) {
		return "grant", grantPath(pk, id, target)
	}
	switch {
	case pk == "ROLES":
		return "role", k.SK
	case pk == "HEAD":
		return "head", ""
	case k.SK != pk:
		return "", ""
	case pk == "ACCESS":
		return "access_token", id
	case k.Evidence():
		return strings.ToLower(pk), id
	default:
		return "", ""
	}
}

func grantPath(actor, id, target string) string {
	path := ""
	target, inherited := strings.CutSuffix(target, "#INHERITED")
	if inherited {
		path = "OS-INHERIT/"
	}
	kind, targetID, some := strings.Cut(target, "#")
	path += strings.ToLower(kind)
	if some {
		path += "s/" + targetID
	}
	return path + "/" + strings.ToLower(actor) + "s/" + id
}

// OfUser is the id of the user whose own item this is, or whose grant, password or list; "" for others.
func (k Key) OfUser() string {
	id, ok := strings.CutPrefix(k.PK, KindUser+"#")
	if !ok {
		return ""
	}
	return id
}

// OAuth1 reports whether the item is a consumer, a request token or an access token.
func (k Key) OAuth1() bool {
	kind, _, _ := strings.Cut(k.PK, "#")
	return k.SK == kind && (kind == "CONSUMER" || kind == "REQUEST" || kind == "ACCESS")
}

// Failures counts the logins that failed of late, by a digest of whose they were.
func Failures(digest string) Key { return Key{"FAILURES#" + digest, "FAILURES"} }

// Job is something that goes on in steps, by when it was or will be due, in microseconds
// since 1970, and what it is about.
func Job(due int64, what string) Key { return Key{"JOBS", fmt.Sprintf("%017d#%s", due, what)} }

// JobsDue is all jobs due by a time.
func JobsDue(by int64) Range { return Range{PK: "JOBS", To: Job(by, "~").SK} }

// ByUser, ByChain and ByTrust are values of the index attributes of a token row.
func ByUser(userID string) string { return "USER#" + userID }

// ByChain groups the tokens of one login; audit is the root's audit id in hex.
func ByChain(auditHex string) string { return "CHAIN#" + auditHex }

// ByTrust groups the tokens of one trust.
func ByTrust(trustID string) string { return "TRUST#" + trustID }

// ByAccess groups the tokens that were obtained with one OAuth1 access token.
func ByAccess(accessID string) string { return "ACCESS#" + accessID }

// The ranges that are walked.

// Prefixed is all items of k's partition whose sort key starts with k's.
func Prefixed(k Key) Range { return Range{PK: k.PK, Prefix: k.SK} }

// Partition is all items of k's partition.
func Partition(k Key) Range { return Range{PK: k.PK} }

// GrantsOf is all grants of an actor.
func GrantsOf(a Actor) Range { return Range{PK: a.pk(), Prefix: "GRANT#"} }

// GrantsOn is the mirrors of all grants on a target and of those inherited from it.
func GrantsOn(t Target) Range { return Range{PK: t.pk(), Prefix: "GRANT#"} }
