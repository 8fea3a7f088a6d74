// Package arch is the architecture, as a test.
//
// floors.go holds the table: every package of the module with its floor, and
// what each floor may import and may not contain. The checks read the source
// (all build tags, no compilation), so a package that is not in the table, an
// import that goes up or a forbidden construct fails `go test ./internal/arch`
// with its file and line.
package arch
