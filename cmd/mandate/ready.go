package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/secret"
)

// localURL is what a start on some port writes for clients.
var localURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+/v3`)

// makeReady makes the first domain, project, user, roles and catalog in an empty table,
// and writes the files by which clients find them. A table that has them is left as it
// is, except that the identity service's own URL follows the port.
func (c *serveCommand) makeReady(ctx context.Context, a *app.App, base string) error {
	made, err := a.Directory.Bootstrapped(ctx)
	if err != nil {
		return err
	}
	if made {
		if c.AdminPassword != "" {
			c.say("ADMIN_PASSWORD is for the first start; the admin's password stays as it is.")
		}
		err := a.Directory.Relocate(ctx, base+"/v3", func(old string) bool { return localURL.FindString(old) == old })
		return errors.Join(err, c.moveClientFiles(base))
	}
	password := c.AdminPassword
	if password == "" {
		password = rand.Text()
	}
	c.say("First start: making domain Default, project admin, user admin and the roles reader, member, manager, admin, service.")
	// Before the bootstrap, so that a password that was generated is never lost; a start
	// that is interrupted here is made again with a new one.
	if err := c.writeClientFiles(base, password); err != nil {
		return err
	}
	_, err = a.Directory.Bootstrap(ctx, directory.BootstrapOptions{
		AdminPassword: secret.New(password),
		PublicURL:     base + "/v3", InternalURL: base + "/v3", AdminURL: base + "/v3",
	})
	return err
}

// clientFiles are where clients look for the service; none where nothing is kept.
func (c *place) clientFiles() []string {
	if c.memory() {
		return nil
	}
	return []string{filepath.Join(c.Data, "openrc"), filepath.Join(c.Data, "clouds.yaml")}
}

func (c *place) writeClientFiles(base, password string) error {
	texts := []string{openrc(base, password), cloudsYAML(base, password)}
	if c.memory() {
		c.say("\n%s", texts[0])
		return nil
	}
	for n, path := range c.clientFiles() {
		if err := os.WriteFile(path, []byte(texts[n]), 0o600); err != nil {
			return fmt.Errorf("write for clients: %w", err)
		}
		c.say("Wrote %s.", path)
	}
	return nil
}

// moveClientFiles lets the files follow the port; the password in them is as it was.
func (c *place) moveClientFiles(base string) error {
	for _, path := range c.clientFiles() {
		text, err := os.ReadFile(path) //nolint:gosec // G304: the operator names the folder
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read for clients: %w", err)
		}
		moved := localURL.ReplaceAllLiteral(text, []byte(base+"/v3"))
		if string(moved) == string(text) {
			continue
		}
		if err := os.WriteFile(path, moved, 0o600); err != nil {
			return fmt.Errorf("write for clients: %w", err)
		}
		c.say("Moved %s to %s.", path, base)
	}
	return nil
}

// openrc is what a shell sources before it runs the openstack client.
func openrc(base, password string) string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"OS_AUTH_URL", base + "/v3"}, {"OS_IDENTITY_API_VERSION", "3"}, {"OS_REGION_NAME", "RegionOne"},
		{"OS_USERNAME", "admin"}, {"OS_PASSWORD", password}, {"OS_PROJECT_NAME", "admin"},
		{"OS_USER_DOMAIN_NAME", "Default"}, {"OS_PROJECT_DOMAIN_NAME", "Default"},
	} {
		fmt.Fprintf(&b, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	return b.String()
}

// cloudsYAML is the same for clients that read clouds.yaml.
func cloudsYAML(base, password string) string {
	return fmt.Sprintf(`clouds:
  mandate:
    region_name: RegionOne
    identity_api_version: 3
    auth:
      auth_url: %s/v3
      username: admin
      password: '%s'
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
`, base, strings.ReplaceAll(password, "'", "''"))
}
