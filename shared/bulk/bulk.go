// Package bulk decides how a whole directory is carried between clouds: what a line of
// the file says (line.go), how a file of any length is brought into the table in bounded
// memory and taken up again where it was interrupted (import.go), and how such a file is
// written from the API of a running Keystone or Mandate (export.go). The form is explained
// in docs/import.md.
//
//	counts, err := bulk.Import(ctx, file, bulk.Options{Directory: d, Table: t})
package bulk
