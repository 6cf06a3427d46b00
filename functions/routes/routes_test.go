package routes_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate"
	"mandate/functions/routes"
	"mandate/shared/sam"
)

func TestTheTableIsThatOfTheTemplate(t *testing.T) {
	tpl, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	assert.Equal(t, tpl.Routes(), routes.Table, "template.yaml was changed: run make generate")
}
