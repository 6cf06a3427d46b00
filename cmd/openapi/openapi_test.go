package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheDescriptionIsUpToDate: `make generate` makes it.
func TestTheDescriptionIsUpToDate(t *testing.T) {
	want, err := describe("../..")
	require.NoError(t, err)
	got, err := os.ReadFile("../../docs/openapi.yaml")
	require.NoError(t, err)
	assert.True(t, string(want) == string(got), "docs/openapi.yaml is not what cmd/openapi makes: run make generate")
}
