// Command mutants holds test/prove to its purpose: each fault that is seeded here into a
// copy of our own sources must be caught.
//
// A fault is a file *.mutant: what it breaks, which kinds of kills bring it to light, and which
// lines of which source become which others; MUTANT in them is true when the fault is
// on. All faults are built into one test binary, by an overlay: no source that we ship knows
// of them. A fault whose lines are not found any more, or found twice, is an error, and so is
// one that survives.
//
//	go run ./test/prove/mutants [-only name,…] [-histories 4000]
package main

import (
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed *.mutant
var files embed.FS

// fault is one mutant.
type fault struct {
	name, what, kills string
	changes           []change
}

// change is lines of a source that become others.
type change struct{ path, before, after string }

func parse(name, text string) (fault, error) {
	f := fault{name: name}
	for n, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		last := len(f.changes) - 1
		switch {
		case strings.HasPrefix(line, "--- "):
			f.changes = append(f.changes, change{path: line[4:]})
		case last < 0 && strings.HasPrefix(line, "kills: "):
			f.kills = line[7:]
		case last < 0:
			f.what = strings.TrimSpace(f.what + " " + line)
		case strings.HasPrefix(line, "-"):
			f.changes[last].before += line[1:] + "\n"
		case strings.HasPrefix(line, "+"):
			f.changes[last].after += line[1:] + "\n"
		default:
			return f, fmt.Errorf("%s:%d: a line of a change begins with - or +", name, n+1)
		}
	}
	if f.what == "" || len(f.changes) == 0 {
		return f, fmt.Errorf("%s: says nothing, or changes nothing", name)
	}
	return f, nil
}

func read() (all []fault, err error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		f, err := parse(strings.TrimSuffix(e.Name(), ".mutant"), string(b))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// seed makes the sources with all faults in them.
func seed(all []fault) (map[string]string, error) {
	sources := map[string]string{}
	var stale []error
	for _, f := range all {
		for _, c := range f.changes {
			text, ok := sources[c.path]
			if !ok {
				b, err := os.ReadFile(c.path)
				if err != nil {
					return nil, err
				}
				head, rest, _ := strings.Cut(string(b), "\nimport ")
				text = head + "\nimport \"mandate/test/prove/mutant\"\n\nimport " + rest
			}
			if n := strings.Count(text, c.before); n != 1 {
				stale = append(stale, fmt.Errorf("mutant %s: its lines are %d times in %s, not once:\n%s", f.name, n, c.path, c.before))
				continue
			}
			sources[c.path] = strings.Replace(text, c.before, strings.ReplaceAll(c.after, "MUTANT", fmt.Sprintf("mutant.Is(%q)", f.name)), 1)
		}
	}
	return sources, errors.Join(stale...)
}

// build links the test binary with all faults in it.
func build(folder string, all []fault) (string, error) {
	sources, err := seed(all)
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range sources {
		at := filepath.Join(folder, strings.ReplaceAll(path, "/", "-"))
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return "", err
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		overlay.Replace[whole] = at
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	at := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(at, b, 0o600); err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "mutants.test")
	c := exec.Command("go", "test", "-c", "-vet=off", "-overlay", at, "-o", binary, "./test/prove") //nolint:gosec // G204: our own arguments
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return binary, c.Run()
}

var caught = regexp.MustCompile(`VIOLATION of (.+?) after (\d+) histories`)

// try runs histories with a fault on, and says what caught it.
func try(binary, name, kills string, histories int) (object, after string, err error) {
	c := exec.Command(binary, "-test.run", "^TestHistories$", "-test.timeout", "30m", //nolint:gosec // G204: our own arguments
		"-histories", fmt.Sprint(histories), "-kills", kills)
	c.Env = append(os.Environ(), "MUTANT="+name)
	out, err := c.CombinedOutput()
	if found := caught.FindSubmatch(out); found != nil {
		return string(found[1]), string(found[2]), nil
	}
	if err != nil {
		return "", "", fmt.Errorf("%w:\n%s", err, out)
	}
	return "", "", nil
}

func run() error {
	only := flag.String("only", "", "names of mutants, by comma; all when empty")
	histories := flag.Int("histories", 4000, "after how many histories a mutant has survived")
	flag.Parse()
	all, err := read()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutants-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder of temporary files
	fmt.Fprintf(os.Stderr, "building %d mutants\n", len(all))
	binary, err := build(folder, all)
	if err != nil {
		return err
	}
	if object, after, err := try(binary, "", "", 60); err != nil || object != "" {
		return fmt.Errorf("with no fault on, %s is violated after %s histories: %w", object, after, err)
	}
	survived, tried := 0, 0
	fmt.Printf("%-20s %-14s %-10s %8s  %s\n", "mutant", "caught by", "histories", "seconds", "what it breaks")
	for _, f := range all {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), f.name) {
			continue
		}
		began := time.Now()
		object, after, err := try(binary, f.name, f.kills, *histories)
		if err != nil {
			return fmt.Errorf("mutant %s: %w", f.name, err)
		}
		if tried++; object == "" {
			object, after = "SURVIVED", fmt.Sprint(*histories)
			survived++
		}
		fmt.Printf("%-20s %-14s %-10s %8.1f  %s\n", f.name, object, after, time.Since(began).Seconds(), f.what)
	}
	fmt.Printf("%d of %d mutants caught\n", tried-survived, tried)
	if survived > 0 || tried == 0 {
		return fmt.Errorf("%d mutants survived", survived)
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}
