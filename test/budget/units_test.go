package budget

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
)

// unitsFile has what each operation was measured to cost, for docs/costs.md.
const unitsFile = "units.json"

var update = flag.Bool("update", false, "write "+unitsFile+" (then: make generate)")

// units is one operation's, as units.json has it.
type units struct {
	Calls  float64 `json:"calls"`
	Reads  float64 `json:"read_units"`
	Writes float64 `json:"write_units"`
}

var measured = struct {
	sync.Mutex
	by map[string]units // by the name of the test
}{by: map[string]units{}}

func record(name string, s spent) {
	measured.Lock()
	defer measured.Unlock()
	measured.by[name] = units{s.calls, s.reads, s.writes}
}

// TestMain holds units.json to what was just measured, when everything was.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" {
		if err := keep(); err != nil {
			fmt.Fprintln(os.Stderr, "FAIL:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func keep() error {
	if *update {
		text, err := json.MarshalIndent(measured.by, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(unitsFile, append(text, '\n'), 0o600)
	}
	text, err := os.ReadFile(unitsFile)
	if err != nil {
		return err
	}
	var kept map[string]units
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(measured.by)) {
		if kept[name] != measured.by[name] {
			return fmt.Errorf("%s says %+v of %q, measured were %+v; run: go test ./test/budget -update && make generate", unitsFile, kept[name], name, measured.by[name])
		}
	}
	if len(kept) != len(measured.by) {
		return fmt.Errorf("%s has %d operations, measured were %d; run: go test ./test/budget -update && make generate", unitsFile, len(kept), len(measured.by))
	}
	return nil
}
