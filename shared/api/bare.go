package api

import "net/http"

// Bare answers without a body and with what every reply has, for what answers beside
// operations.
func Bare(w http.ResponseWriter, status int) {
	stamp(w.Header())
	w.WriteHeader(status)
}
