package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"mandate/test/load"
)

// database is Keystone's, by the socket. Ten thousand trusts or revocations would take it
// minutes by requests; as rows they are the same.
type database struct{ socket string }

func (d database) run(ctx context.Context, sql string) error {
	cmd := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-uroot", "-S", d.socket, "-N", "keystone") //nolint:gosec // G204: our own socket
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("database: %w: %s", err, out)
	}
	return nil
}

// revoked adds events such as the revocation of a token writes. Keystone looks at them
// after the next real one, which empties its cache.
func (d database) revoked(ctx context.Context, n int) error {
	return d.run(ctx, fmt.Sprintf(`
		INSERT INTO revocation_event (audit_id, issued_before, revoked_at)
		SELECT LEFT(MD5(CONCAT(RAND(), seq)), 22), UTC_TIMESTAMP(), UTC_TIMESTAMP() FROM seq_1_to_%d`, n))
}

// trusts copies a real trust, for a trustor who has no other.
func (d database) trusts(ctx context.Context, w *load.World, n int) (load.Trustor, error) {
	t, err := w.NewTrustor()
	if err != nil {
		return t, err
	}
	t.Whole = n
	err = d.run(ctx, fmt.Sprintf(`
		INSERT INTO trust (id, trustor_user_id, trustee_user_id, project_id, impersonation, extra)
		SELECT MD5(CONCAT('%[1]s', seq)), '%[1]s', '%[2]s', '%[3]s', 1, '{}' FROM seq_1_to_%[5]d;
		INSERT INTO trust_role (trust_id, role_id)
		SELECT MD5(CONCAT('%[1]s', seq)), '%[4]s' FROM seq_1_to_%[5]d;`, t.ID, w.Bob, w.Project, w.Role, n))
	return t, err
}
