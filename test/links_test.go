package test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inlined = regexp.MustCompile("`[^`\n]*`")
	linked  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// prose is a page without its blocks of code.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page) //nolint:gosec // G304: the source tree
	require.NoError(t, err)
	return fenced.ReplaceAllString(string(text), "")
}

// anchors are the names that a page's headings have on GitHub. What is said twice has a
// number there, which nobody should link to.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(prose(t, page), -1) {
		text := linked.ReplaceAllString(strings.ReplaceAll(h[1], "[", ""), "")
		names[strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(text), ""), " ", "-")] = true
	}
	return names
}

// TestLinksLead: every link of a page to another file, or to a heading, leads there; and
// every page is reached from README.md.
func TestLinksLead(t *testing.T) {
	reached, next := map[string]bool{}, []string{"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md"}
	links := 0
	for len(next) > 0 {
		page := next[0]
		next = next[1:]
		if reached[page] {
			continue
		}
		reached[page] = true
		for _, link := range linked.FindAllStringSubmatch(inlined.ReplaceAllString(prose(t, page), "``"), -1) {
			to, err := url.Parse(link[1])
			require.NoError(t, err, page)
			if to.Scheme != "" {
				continue
			}
			links++
			target := page
			if to.Path != "" {
				target = filepath.Join(filepath.Dir(page), to.Path)
			}
			info, err := os.Stat(target)
			if !assert.NoError(t, err, "%s links to %s", page, link[1]) {
				continue
			}
			if info.IsDir() {
				inside, err := filepath.Glob(filepath.Join(target, "*.md"))
				require.NoError(t, err)
				next = append(next, inside...)
				continue
			}
			if filepath.Ext(target) != ".md" {
				continue
			}
			if to.Fragment != "" {
				assert.Contains(t, anchors(t, target), to.Fragment, "%s links to %s", page, link[1])
			}
			next = append(next, target)
		}
	}
	require.Greater(t, links, 50)
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md"} {
		pages, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, pages)
		for _, page := range pages {
			assert.True(t, reached[page], "no link leads to %s", page)
		}
	}
}
