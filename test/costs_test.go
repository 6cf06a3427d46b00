package test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTheCostsAreOfThisTemplate: docs/costs.md is what cmd/costs makes of the measured
// units, the prices and the template as they are.
func TestTheCostsAreOfThisTemplate(t *testing.T) {
	out, err := exec.Command("go", "run", "../cmd/costs", "-root", "..", "-check", "../docs/costs.md").CombinedOutput()
	assert.NoError(t, err, string(out))
}
