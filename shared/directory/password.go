package directory

import "mandate/shared/store"

const attrHash = "hash"

// PasswordHash is a pass: the hash of a user's password, "" when she has none. User and
// password carry one version, written in one transaction; when the two that were read
// differ, a change tore the read apart and both are read again. Otherwise an old
// password, read before a change, would mint a token with the new epoch
// (design.md section 4, law 6).
func PasswordHash(rs *store.ReadSet, userID string) (string, error) {
	if !rs.Known(store.User(userID), store.Password(userID)) {
		return "", store.ErrPending
	}
	user, _ := rs.Get(store.User(userID))
	password, _ := rs.Get(store.Password(userID))
	if user.Int(AttrPasswordVersion) != password.Int(AttrPasswordVersion) {
		rs.Forget(store.User(userID), store.Password(userID))
		rs.Want(store.User(userID), store.Password(userID))
		return "", store.ErrPending
	}
	return password.Str(attrHash), nil
}

// Rehash is the mutation that replaces a hash by one of the same password, written with
// today's method. It loses against any change of the password itself.
func Rehash(userID string, version int64, hash string) store.Mutation {
	return store.Update(store.Password(userID)).Set(attrHash, hash).
		Where(store.Equals(AttrPasswordVersion, version))
}
