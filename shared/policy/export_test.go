package policy

import "testing"

// Rules says in which file and line the rules about an action are.
func (e *Engine) Rules(t *testing.T, action string) []string {
	t.Helper()
	about, err := e.rulesAbout(action)
	if err != nil {
		t.Fatal(err)
	}
	var where []string
	for _, r := range about {
		where = append(where, string(r.where))
	}
	return where
}

// ReadRules reads one text of rules.
var ReadRules = read
