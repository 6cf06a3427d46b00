// Package oauth1 decides delegation to programs: a consumer asks for authority on a
// project, a user grants some of her roles there, and the consumer gets an access token
// that it turns into identity tokens by signed requests, without ever knowing her password
// (contract/oauth1.md, RFC 5849).
//
// What a signature is worth is pure: parse.go reads the header, basestring.go says what was
// signed, sign.go signs and verifies. What stands in the table is read by passes, as
// everywhere: an access token whose item, consumer, user or project is gone is dead by the
// next read. Secrets are sealed under the key of their item; a sealed text that is moved
// to another item does not open.
//
//	request, err := oauth1.FromRequest(r, publicURL)
//	access, err := service.Access(rs, request) // Unauthorized unless the signature holds
package oauth1
