package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is the text of all Go files whose names end so.
func source(t *testing.T, ending string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if strings.HasSuffix(path, ending) {
			text, err := os.ReadFile(path) //nolint:gosec // G304: the source tree
			require.NoError(t, err)
			all.Write(text)
		}
		return nil
	}))
	require.NotZero(t, all.Len())
	return all.String()
}

// TestThreatsHaveTests: docs/security.md names for each threat tests that there are. A
// name may be the beginning of several.
func TestThreatsHaveTests(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	require.NoError(t, err)
	tests := source(t, "_test.go")
	var rows int
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.Contains(line, "---") || strings.Contains(line, "| test |") {
			continue
		}
		rows++
		names := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(cells[2], -1)
		assert.NotEmpty(t, names, line)
		for _, name := range names {
			assert.Contains(t, tests, "func "+name[1], line)
		}
	}
	assert.Greater(t, rows, 20)
}

// TestCommandsOfTheDocsAreTried: what a page gives as bash is run by test/acceptance/run.sh
// pages, and what it gives as console, which nobody runs, says why; but for the tour of
// README.md, which the step tour runs.
func TestCommandsOfTheDocsAreTried(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	deeper, err := filepath.Glob("../docs/*/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	pages = append(append(pages, deeper...), "../README.md", "../CONTRIBUTING.md")
	fence := regexp.MustCompile("(?m)^```(\\w*)$")
	for _, page := range pages {
		text, err := os.ReadFile(page) //nolint:gosec // G304: the source tree
		require.NoError(t, err)
		for _, at := range fence.FindAllStringSubmatchIndex(string(text), -1) {
			language := string(text[at[2]:at[3]])
			if language == "bash" {
				assert.Contains(t, page, "/docs/", "nobody runs what a page outside docs/ gives as bash")
			}
			if language != "console" && language != "sh" && language != "shell" {
				continue
			}
			before := strings.TrimSpace(string(text[:at[0]]))
			before = before[strings.LastIndex(before, "\n\n")+1:]
			assert.Regexp(t, `\*\((Needs .*|Shown, not run: .*)\)\*|<!-- tour -->$`, before, "%s: commands that nobody runs say why, as *(Needs an AWS account)*", page)
		}
	}
}

// TestTheDrawingsHaveEveryKey: what shared/store/keys.go makes keys of stands in the drawing
// above it, and in that of docs/data-model.md.
func TestTheDrawingsHaveEveryKey(t *testing.T) {
	text, err := os.ReadFile("../shared/store/keys.go")
	require.NoError(t, err)
	page, err := os.ReadFile("../docs/data-model.md")
	require.NoError(t, err)
	drawing, code, found := strings.Cut(string(text), "\nconst HeadCopies")
	require.True(t, found)
	words := regexp.MustCompile(`"([A-Z]+(?:#[A-Z]+)*#?)"`).FindAllStringSubmatch(code, -1)
	require.Greater(t, len(words), 50)
	for _, word := range words {
		assert.Contains(t, drawing, word[1], "the drawing in keys.go")
		assert.Contains(t, string(page), word[1], "docs/data-model.md")
	}
}

// TestDecisionsAreNumbered: each with a number of its own, which its heading repeats.
func TestDecisionsAreNumbered(t *testing.T) {
	records, err := filepath.Glob("../docs/decisions/*.md")
	require.NoError(t, err)
	require.Greater(t, len(records), 20)
	seen := map[string]string{}
	for _, record := range records {
		number, _, _ := strings.Cut(filepath.Base(record), "-")
		assert.Empty(t, seen[number], "%s has the number of another", record)
		seen[number] = record
		text, err := os.ReadFile(record) //nolint:gosec // G304: the source tree
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), "# "+number+": "), "the heading of %s", record)
	}
}
