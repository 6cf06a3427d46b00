package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mandate/shared/bulk"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

func (m measurement) generate(path string) error {
	f, err := os.Create(path) //nolint:gosec // G304: in our own folder
	if err != nil {
		return err
	}
	return errors.Join(bulk.Generate(f, m.users, m.projects, m.each), f.Close())
}

// whole imports the large file in one go.
func (m measurement) whole(ctx context.Context) (result, error) {
	if err := m.generate(m.file()); err != nil {
		return result{}, err
	}
	r, err := m.start(ctx, m.large(), m.file(), nil)
	if err != nil {
		return r, err
	}
	fmt.Printf("import in one go: %s\n", r)
	return r, m.count(ctx, m.large())
}

// broken imports the large file and is killed twice, after about a fifth and three fifths.
func (m measurement) broken(ctx context.Context, whole time.Duration) error {
	data := filepath.Join(m.dir, "broken")
	for _, share := range []int{20, 40} {
		after := whole * time.Duration(share) / 100
		r, err := m.start(ctx, data, m.file(), &after)
		if err != nil {
			return err
		}
		if !r.killed {
			return errors.New("the import ended before it could be killed")
		}
		fmt.Printf("killed after %s, in the middle\n", after.Round(time.Millisecond))
	}
	rest, err := m.start(ctx, data, m.file(), nil)
	if err != nil {
		return err
	}
	fmt.Printf("run again: %s\n", rest)
	return m.count(ctx, data)
}

// A result is what one run of the command took.
type result struct {
	took     time.Duration
	killed   bool
	peak     int64 // bytes resident at most, the data file's pages that are mapped included
	own      int64 // bytes of them that are not the data file's, at most
	progress int   // lines in which progress was shown
	last     string
}

func (r result) String() string {
	return fmt.Sprintf("%s (%s), own memory at most %d MB, with the mapped data file %d MB, progress shown %d times",
		r.last, r.took.Round(100*time.Millisecond), r.own>>20, r.peak>>20, r.progress)
}

// start runs the command, and kills it (SIGKILL) after a while if that is given.
func (m measurement) start(ctx context.Context, data, file string, kill *time.Duration) (result, error) {
	var out, shown bytes.Buffer
	c := exec.CommandContext(ctx, m.mandate, "import", file) //nolint:gosec // G204: the command under test
	c.Env = append(os.Environ(), "DATA="+data, "DYNAMODB_ENDPOINT=")
	c.Stdout, c.Stderr = &out, &shown
	began := time.Now()
	if err := c.Start(); err != nil {
		return result{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	var r result
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if own, err := status(c.Process.Pid, "RssAnon"); err == nil { // gone when it has just ended
				r.own = max(r.own, own)
			}
			if peak, err := status(c.Process.Pid, "VmHWM"); err == nil {
				r.peak = max(r.peak, peak)
			}
			if kill != nil && !r.killed && time.Since(began) > *kill {
				r.killed = c.Process.Kill() == nil
			}
		case err := <-ended:
			r.took = time.Since(began)
			r.progress = strings.Count(shown.String(), " lines (")
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			r.last = lines[len(lines)-1]
			var exit *exec.ExitError
			if r.killed && errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
				return r, nil
			}
			if err != nil {
				return r, fmt.Errorf("%w\n%s", err, shown.String())
			}
			r.killed = false
			return r, nil
		}
	}
}

// status reads a number of bytes from the kernel's words about a process.
func status(pid int, name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if value, ok := strings.CutPrefix(s.Text(), name+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

// count walks the table and compares what is in it with what the file says.
func (m measurement) count(ctx context.Context, data string) (err error) {
	t, err := embedded.Open(embedded.Options{Path: filepath.Join(data, "table.db")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	var users, names, grants, mirrors int
	walk := func(r store.Range, each func(store.Entry)) error {
		for {
			p, err := t.Query(ctx, r)
			if err != nil {
				return err
			}
			for _, e := range p.Entries {
				each(e)
			}
			if r.After = p.Next; p.Next == "" {
				return nil
			}
		}
	}
	if err := walk(store.Partition(store.UserName("default", "")), func(store.Entry) { names++ }); err != nil {
		return err
	}
	for u := range m.users {
		err := walk(store.Partition(store.User(bulk.GeneratedID("user", u))), func(e store.Entry) {
			switch e.Item.Str(store.AttrType) {
			case "user":
				users++
			case "grant":
				grants += len(e.Item.Set("roles"))
			}
		})
		if err != nil {
			return err
		}
	}
	for p := range m.projects {
		err := walk(store.GrantsOn(store.OnProject(bulk.GeneratedID("project", p))), func(e store.Entry) { mirrors += len(e.Item.Set("roles")) })
		if err != nil {
			return err
		}
	}
	fmt.Printf("in the table: %d users, %d names, %d assignments, %d listed under projects\n", users, names, grants, mirrors)
	if users != m.users || names != m.users || grants != m.users*m.each || mirrors != grants {
		return errors.New("that is not what the file says")
	}
	return nil
}
