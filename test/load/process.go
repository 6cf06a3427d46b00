package load

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Processes are the processes of a service, by the ids of those that were started; what
// they start themselves counts too. None: nothing is counted.
type Processes []int

// A reading is the processor time of every thread, in nanoseconds, as the scheduler
// accounts for it: exact, where the times in stat go by hundredths of a second.
type reading map[string]int64

// since is what was used between two readings. A thread that ended in between is left out.
func (r reading) since(before reading) time.Duration {
	sum := int64(0)
	for thread, now := range r {
		sum += now - before[thread]
	}
	return time.Duration(sum)
}

func (p Processes) cpu() (reading, error) {
	if len(p) == 0 {
		return reading{}, nil
	}
	all, err := p.tree()
	if err != nil {
		return nil, err
	}
	r := reading{}
	for _, pid := range all {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file) //nolint:gosec // G304: of /proc
			if err != nil {
				continue // it ended meanwhile
			}
			ran, _, _ := strings.Cut(string(text), " ")
			if r[file], err = strconv.ParseInt(ran, 10, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return r, nil
}

// Memory is what the processes hold, shared pages counted once, in megabytes.
func (p Processes) Memory() (float64, error) {
	all, err := p.tree()
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, pid := range all {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, err := strconv.Atoi(strings.Fields(value)[0])
				if err != nil {
					return 0, err
				}
				sum += kb
			}
		}
	}
	return float64(sum) / 1024, nil
}

// tree is the processes and all that descend from them.
func (p Processes) tree() ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // G304: of /proc
		if err != nil {
			continue // it ended meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ") // a name may have anything in it
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := slices.Clone([]int(p))
	for n := 0; n < len(all); n++ {
		all = append(all, children[all[n]]...)
	}
	return all, nil
}
