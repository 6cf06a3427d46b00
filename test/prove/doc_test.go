// Package prove holds the whole service to its first promise, as a safety property and not
// by examples: a validation that begins after a kill was acknowledged never answers that the
// token is valid, until that kill is taken back (design.md section 5).
//
// A history is what 8 to 16 clients do at once in one small world: they get tokens by every
// method, delegate and redelegate, validate as subject and as caller, and end things. Three
// instances of the service, each with its own memory, serve them over one table whose reads
// are torn and partly late, which is throttled and contended, which loses answers after the
// commit, and to which writes come again after they were answered. Some requests are given up
// after a moment, so that nobody knows what became of them. The function on the stream runs
// beside them, on batches that come late, twice or never, in order per item only. Each
// history is then checked with porcupine, object by object.
//
// # Objects
//
// Every item that can end tokens is an object with a history of its own: token rows, the
// chains of logins, users, projects, domains, grants, roles, implications, groups, trusts,
// consumers, access tokens, pre-authentications and the trust behind each of them. An answer
// 200 about a token, and a token issued, are evidence about each object that it stands on: at
// some moment between request and answer this object let it live. An answer 404 is no
// evidence, for it may have died of anything. So an object is wrong exactly when there is no
// order of the acts on it, within their times, in which every kill is followed by no such
// evidence before its revival.
//
// This is the property per kill, and not more. The heads of the directory are sixteen copies
// that a transaction does not change at one moment for readers of a batch: of two
// validations that overlap a kill the first may see it and the second not (the objects are
// regular, not atomic). Such a pair shows in the evidence as one valid answer that overlaps
// the kill, which is allowed, since the dead one is left out. Evidence about two objects is
// never joined, because a batch is no snapshot.
//
// # What a kill does
//
//   - For good: revoking a token (alone, or with its chain); deleting a trust, project, role,
//     consumer, access token, domain or user; and for the tokens that there are at that
//     moment, disabling a user, a new password, ending her sessions, leaving a group, deleting a
//     group. Of the latter a user's object knows which tokens came before: whatever is
//     issued takes the epoch of the moment in which its request read the user, and a derived
//     token that of the token it was derived from. A password proves one version of it, so a
//     token by the old password cannot be issued after the change, and is dead if it was issued
//     in the middle of it.
//   - For good, for what was there before: a pre-authentication gets another trust. Its object
//     knows which one is behind it, as far as the replies say.
//   - Until it is taken back: disabling a project or domain, taking a role or an implication away.
//     Roles are evidence where they are shown: each grant, role and implication by which
//     a reply shows a role must have been there.
//
// An act that was answered 503 may have happened, may happen later, or never: it has no end. One that was
// refused (4xx) has not happened.
//
// # The other direction
//
// A service that refuses everything would pass all that. So every refusal needs a reason: an
// act on something that the token stands on, begun before the answer and not known to have
// been taken back before the question.
//
//	go test ./test/prove                                      # a few histories
//	go test ./test/prove -run Histories -v -histories 20000   # many
//	go test ./test/prove -run Histories -v -seed 1003 -histories 1 -kills 'delete group'
//
// A history that is wrong is written out for people, with porcupine's picture of the object. Its
// seed brings back the same world, weather and clients; how they interleave is up to the
// scheduler.
package prove
