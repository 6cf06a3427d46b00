package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"

	"mandate/test/load"
)

// A row is a case at one concurrency: ours and theirs, round by round.
type row struct {
	name   string
	level  int
	rounds [][2]load.Cell
}

type report struct {
	measurement measurement
	machine     machine
	began       time.Time
	rows        []row
	memory      [2]float64 // megabytes, at the end
}

// spread is a median and what it lies between.
type spread struct{ Median, Least, Most float64 }

func spreadOf(rounds [][2]load.Cell, of func(pair [2]load.Cell) float64) spread {
	all := make([]float64, 0, len(rounds))
	for _, pair := range rounds {
		all = append(all, of(pair))
	}
	slices.Sort(all)
	return spread{all[len(all)/2], all[0], all[len(all)-1]}
}

// figures are the medians of one side.
type figures struct {
	Rate, P50, P95, P99, CPU float64
	N, Errors                int
	First                    string
}

func (r row) of(side int) figures {
	median := func(of func(load.Cell) float64) float64 {
		return spreadOf(r.rounds, func(pair [2]load.Cell) float64 { return of(pair[side]) }).Median
	}
	f := figures{
		Rate: median(func(c load.Cell) float64 { return c.Rate }), CPU: median(func(c load.Cell) float64 { return c.CPU }),
		P50: median(func(c load.Cell) float64 { return c.At(0.50) }), P95: median(func(c load.Cell) float64 { return c.At(0.95) }),
		P99: median(func(c load.Cell) float64 { return c.At(0.99) }),
	}
	for _, pair := range r.rounds {
		f.N, f.Errors = f.N+pair[side].N, f.Errors+pair[side].Errors
		if pair[side].First != "" {
			f.First = pair[side].First
		}
	}
	return f
}

// CPU is how many times the processor time of ours theirs takes.
func (r row) CPU() spread {
	return spreadOf(r.rounds, func(pair [2]load.Cell) float64 { return pair[1].CPU / pair[0].CPU })
}

// P50 is how many times as long theirs takes.
func (r row) P50() spread {
	return spreadOf(r.rounds, func(pair [2]load.Cell) float64 { return pair[1].At(0.5) / pair[0].At(0.5) })
}

func (r row) Name() string    { return r.name }
func (r row) Level() int      { return r.level }
func (r row) Ours() figures   { return r.of(0) }
func (r row) Theirs() figures { return r.of(1) }

const line = "%-44s %3d  %-8s %8.0f %8.2f %8.2f %8.2f %9.3f %6d %s\n"

func (r *report) head() {
	fmt.Printf("%-44s %3s  %-8s %8s %8s %8s %8s %9s %6s\n", "operation", "at", "", "req/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "errors")
}

func (r *report) add(one row) {
	r.rows = append(r.rows, one)
	for n, name := range []string{"Mandate", "Keystone"} {
		f := one.of(n)
		fmt.Printf(line, one.name, one.level, name, f.Rate, f.P50, f.P95, f.P99, f.CPU, f.Errors, f.First)
	}
	cpu, p50 := one.CPU(), one.P50()
	fmt.Printf("%-44s %3d  ratio of CPU %.1f (%.1f–%.1f), of p50 %.1f (%.1f–%.1f)\n", "", one.level,
		cpu.Median, cpu.Least, cpu.Most, p50.Median, p50.Least, p50.Most)
}

// machine is what the figures were taken on.
type machine struct {
	Processors    int
	Model, Memory string
	Kernel, Go    string
	Keystone      []string
	Load          string
}

func describe(versions string) machine {
	read := func(file string) string {
		text, _ := os.ReadFile(file) //nolint:gosec // G304: of /proc, or what keystone.sh wrote
		return string(text)
	}
	field := func(text, name string) string {
		for l := range strings.Lines(text) {
			if before, after, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(before) == name {
				return strings.TrimSpace(after)
			}
		}
		return "unknown"
	}
	return machine{
		Processors: runtime.NumCPU(), Model: field(read("/proc/cpuinfo"), "model name"), Memory: field(read("/proc/meminfo"), "MemTotal"),
		Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")), Go: runtime.Version(),
		Keystone: strings.Split(strings.TrimSpace(read(versions)), "\n"), Load: strings.Fields(read("/proc/loadavg") + " unknown")[0],
	}
}

//go:embed performance.md.tmpl
var pageText string

//go:embed chart.svg.tmpl
var chartText string

// write writes the page and its chart.
func (r *report) write(dir string) error {
	fmt.Printf("memory at the end, MB: Mandate %.0f, Keystone %.0f; took %s\n", r.memory[0], r.memory[1], time.Since(r.began).Round(time.Second))
	if dir == "" {
		return nil
	}
	data := map[string]any{
		"Rows": r.rows, "Machine": r.machine, "Memory": r.memory, "Rounds": r.measurement.rounds, "Seconds": r.measurement.seconds,
		"Date": r.began.UTC().Format("2006-01-02"), "Bars": r.bars(), "Height": 60 + 26*len(r.bars()),
	}
	for name, text := range map[string]string{"performance.md": pageText, "performance.svg": chartText} {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, name)) //nolint:gosec // G304: where we were told
		if err != nil {
			return err
		}
		if err := t.Execute(f, data); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// A bar of the chart is the ratio of a case at one concurrency.
type bar struct {
	Name               string
	Y, TextY           int
	Width, Least, Most float64 // in the chart's units; Least and Most from its left edge
	Label              string
}

const (
	chartLevel = 8 // of the chart, where it was measured
	chartLeft  = 250.0
	chartWide  = 420.0
)

func (r *report) bars() []bar {
	var shown []row
	most := 1.0
	for _, one := range r.rows {
		both := !strings.Contains(one.name, "both Mandate's")
		if both && (one.level == chartLevel || !slices.ContainsFunc(r.rows, func(other row) bool { return other.name == one.name && other.level == chartLevel })) {
			shown, most = append(shown, one), max(most, one.CPU().Most)
		}
	}
	bars := make([]bar, 0, len(shown))
	for n, one := range shown {
		c := one.CPU()
		y := 40 + 26*n
		bars = append(bars, bar{
			Name: one.name, Y: y, TextY: y + 13, Width: c.Median / most * chartWide,
			Least: chartLeft + c.Least/most*chartWide, Most: chartLeft + c.Most/most*chartWide, Label: fmt.Sprintf("%.0f×", c.Median),
		})
	}
	return bars
}
