// Package routes is the table of routes as Go, for functions that serve several: the
// directory's, and the fallback.
package routes

//go:generate go run ../../cmd/routes -o table.go
