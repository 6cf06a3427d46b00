// Package mandate holds the template that the whole deployment is made from, so that the
// local server finds it wherever it is started.
package mandate

import _ "embed"

// Template is template.yaml.
//
//go:embed template.yaml
var Template []byte
