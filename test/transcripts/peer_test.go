//go:build peer

package transcripts

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPeer replays every transcript against a running server of the Identity API:
//
//	IDENTITY_URL=http://127.0.0.1:5001/v3 OS_USERNAME=admin OS_PASSWORD=… OS_PROJECT_NAME=admin \
//		KEYSTONE=1 go test -tags peer -run TestPeer ./test/transcripts
//
// With KEYSTONE=1 it is real Keystone, and what the transcripts say of Keystone holds.
func TestPeer(t *testing.T) {
	base := strings.TrimSuffix(strings.TrimSuffix(os.Getenv("IDENTITY_URL"), "/"), "/v3")
	if base == "" {
		t.Fatal("IDENTITY_URL names no server")
	}
	// Redirects are answers, not something to follow. Connections are not kept: Keystone
	// closes them as it likes.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s := Server{
		Base: base, AdminName: os.Getenv("OS_USERNAME"), AdminPassword: os.Getenv("OS_PASSWORD"), AdminProject: os.Getenv("OS_PROJECT_NAME"),
		Now: time.Now, Wait: time.Sleep, Keystone: os.Getenv("KEYSTONE") != "",
		Do: client.Do,
	}
	paths, err := Find(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if s.Keystone && strings.HasPrefix(filepath.ToSlash(path), "v2/") {
			continue // Keystone 12 was the last with v2.0
		}
		t.Run(strings.TrimSuffix(filepath.ToSlash(path), ".txt"), func(t *testing.T) { Replay(t, s, ".", path) })
	}
}
