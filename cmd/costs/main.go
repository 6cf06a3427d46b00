// Command costs writes docs/costs.md: what a million of each operation costs in AWS, and a
// month in which nothing happens. It multiplies what test/budget measured
// (test/budget/units.json) and what template.yaml gives each function by the list prices and
// assumptions in docs/prices.json, and measures nothing itself.
//
//	go run ./cmd/costs -o docs/costs.md
//	go run ./cmd/costs -check docs/costs.md   # fails when it is stale
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	_ "embed"

	"gopkg.in/yaml.v3"

	"mandate"
)

//go:generate go run . -root ../.. -o ../../docs/costs.md

//go:embed costs.md.tmpl
var page string

// figures are docs/prices.json.
type figures struct {
	Region, Date, Currency, Source string
	Prices                         struct {
		HTTP          float64 `json:"http_api_million_requests"`
		REST          float64 `json:"rest_api_million_requests"`
		Requests      float64 `json:"lambda_million_requests"`
		GBSecond      float64 `json:"lambda_arm64_gb_second"`
		Reads         float64 `json:"dynamodb_million_read_units"`
		Writes        float64 `json:"dynamodb_million_write_units"`
		Storage       float64 `json:"dynamodb_storage_gb_month"`
		Recovery      float64 `json:"dynamodb_recovery_gb_month"`
		LogIngest     float64 `json:"logs_ingest_gb"`
		LogStorage    float64 `json:"logs_storage_gb_month"`
		Key           float64 `json:"kms_key_month"`
		MillionUnwrap float64 `json:"kms_million_requests"`
		Alarm         float64 `json:"alarm_metric_month"`
		Dashboard     float64 `json:"dashboard_month"`
	}
	Assumptions struct {
		TripMS     float64 `json:"trip_ms"`
		WorkMS     float64 `json:"work_ms"`
		PasswordMS float64 `json:"password_ms"`
		LogBytes   float64 `json:"log_bytes_per_request"`
		StoredGB   float64 `json:"stored_gb"`
		LoggedGB   float64 `json:"logged_gb"`
	}
}

// units is what an operation was measured to ask of the table.
type units struct {
	Calls  float64 `json:"calls"`
	Reads  float64 `json:"read_units"`
	Writes float64 `json:"write_units"`
}

// stack is what costs money in template.yaml.
type stack struct {
	Globals struct {
		Function struct {
			MemorySize int `yaml:"MemorySize"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			MemorySize int   `yaml:"MemorySize"`
			Metrics    []any `yaml:"Metrics"` // of an alarm: an expression and what it compares
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

// alarmed counts the metrics that alarms watch. Each has its price, not each alarm.
func (s stack) alarmed() float64 {
	var n int
	for _, r := range s.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			n += max(1, len(r.Properties.Metrics)-1)
		}
	}
	return float64(n)
}

func (s stack) count(kind string) float64 {
	var n float64
	for _, r := range s.Resources {
		if r.Type == kind {
			n++
		}
	}
	return n
}

// operations are the lines of the table: what is done, by which function, and under which
// name test/budget measured it.
var operations = []struct {
	Name, Function, Measured string
	Password                 bool // a password is hashed
	Created                  bool // it only creates: the stream functions' filters drop that
}{
	{"validate a project token", "ValidateToken", "TestValidate/by_another_caller", false, false},
	{"validate a dead token", "ValidateToken", "TestValidate/a_dead_token_costs_no_more", false, false},
	{"use a project token", "GetAuthCatalog", "TestValidate/a_project_token", false, false},
	{"use a trust token", "GetAuthCatalog", "TestValidate/a_trust_token", false, false},
	{"use a token of OAuth1", "GetAuthCatalog", "TestValidate/a_token_by_OAuth1", false, false},
	{"issue by password, with ids", "IssueToken", "TestIssue/by_password_and_ids", true, true},
	{"issue by password, with names", "IssueToken", "TestIssue/by_password_and_names", true, true},
	{"issue by token", "IssueToken", "TestIssue/by_token", false, true},
	{"issue by trust", "IssueToken", "TestIssue/by_trust", false, true},
	{"issue by a trust with limited uses", "IssueToken", "TestIssue/by_a_trust_with_limited_uses:_and_the_use,_in_one_transaction", false, false},
	{"issue by OAuth1", "IssueToken", "TestDelegateToAProgram/issue_by_OAuth1", false, false},
	{"create a trust", "CreateTrust", "TestChange/create_a_trust", false, true},
	{"delete a trust", "DeleteTrust", "TestChange/delete_a_trust", false, false},
	{"revoke a token", "RevokeToken", "TestChange/revoke_a_token", false, false},
}

// row is a line of the table, in money per million.
type row struct {
	Name                        string
	Memory                      int
	MS                          float64
	Units                       units
	Table, Lambda, Logs, Follow float64
	OnHTTP, OnREST              float64
}

func main() {
	root := flag.String("root", ".", "folder of the source")
	out := flag.String("o", "", "the file to write; standard output when empty")
	check := flag.String("check", "", "a file to compare with instead")
	flag.Parse()
	if err := run(*root, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

func run(root, out, check string) error {
	text, err := write(root)
	if err != nil {
		return err
	}
	switch {
	case check != "":
		kept, err := os.ReadFile(check) //nolint:gosec // G304: named on the command line
		if err != nil {
			return err
		}
		if !bytes.Equal(kept, text) {
			return fmt.Errorf("%s is stale; run: make generate", check)
		}
		return nil
	case out == "":
		_, err := os.Stdout.Write(text)
		return err
	default:
		return os.WriteFile(out, text, 0o644) //nolint:gosec // G306: a page is for everybody to read
	}
}

func write(root string) ([]byte, error) {
	var f figures
	var measured map[string]units
	var s stack
	if err := errors.Join(
		read(filepath.Join(root, "docs", "prices.json"), &f),
		read(filepath.Join(root, "test", "budget", "units.json"), &measured),
		yaml.Unmarshal(mandate.Template, &s),
	); err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(operations))
	for _, o := range operations {
		u, found := measured[o.Measured]
		if !found {
			return nil, fmt.Errorf("%s: test/budget measured no %s", o.Name, o.Measured)
		}
		function, found := s.Resources[o.Function]
		if !found {
			return nil, fmt.Errorf("%s: the template has no function %s", o.Name, o.Function)
		}
		ms := f.Assumptions.WorkMS + u.Calls*f.Assumptions.TripMS
		if o.Password {
			ms += f.Assumptions.PasswordMS
		}
		r := row{Name: o.Name, Units: u, MS: ms, Memory: cmp.Or(function.Properties.MemorySize, s.Globals.Function.MemorySize)}
		r.Table = u.Reads*f.Prices.Reads + u.Writes*f.Prices.Writes
		r.Lambda = invocations(f, r.Memory, ms)
		r.Logs = f.Assumptions.LogBytes / 1000 * f.Prices.LogIngest // a million of them is as many GB as kB
		if u.Writes > 0 && !o.Created {
			r.Follow = invocations(f, s.Globals.Function.MemorySize, f.Assumptions.WorkMS+f.Assumptions.TripMS)
		}
		inner := r.Table + r.Lambda + r.Logs + r.Follow
		r.OnHTTP, r.OnREST = inner+f.Prices.HTTP, inner+f.Prices.REST
		rows = append(rows, r)
	}
	idle := []struct {
		What  string
		Costs float64
	}{
		{fmt.Sprintf("%.0f KMS key", s.count("AWS::KMS::Key")), s.count("AWS::KMS::Key") * f.Prices.Key},
		{fmt.Sprintf("table, %g GB", f.Assumptions.StoredGB), f.Assumptions.StoredGB * f.Prices.Storage},
		{fmt.Sprintf("its point-in-time recovery, %g GB", f.Assumptions.StoredGB), f.Assumptions.StoredGB * f.Prices.Recovery},
		{fmt.Sprintf("kept logs, %g GB", f.Assumptions.LoggedGB), f.Assumptions.LoggedGB * f.Prices.LogStorage},
		{fmt.Sprintf("%.0f alarms on %.0f metrics", s.count("AWS::CloudWatch::Alarm"), s.alarmed()), s.alarmed() * f.Prices.Alarm},
		{fmt.Sprintf("%.0f dashboard", s.count("AWS::CloudWatch::Dashboard")), s.count("AWS::CloudWatch::Dashboard") * f.Prices.Dashboard},
	}
	var total float64
	for _, i := range idle {
		total += i.Costs
	}
	t, err := template.New("costs").Parse(page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"Rows": rows, "Idle": idle, "Total": total, "F": f})
	return b.Bytes(), err
}

// invocations is what a million invocations of a function cost, of some memory (MB) and
// time. Lambda charges whole milliseconds.
func invocations(f figures, memory int, ms float64) float64 {
	return f.Prices.Requests + float64(memory)/1024*ms*1000*f.Prices.GBSecond
}

func read(path string, into any) error {
	text, err := os.ReadFile(path) //nolint:gosec // G304: our own files
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
