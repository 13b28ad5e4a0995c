package schema

import "strings"

// DeniedError: the database user may not make or change tables.
type DeniedError struct {
	Part       string
	Statements []string // for a user who may
	Err        error
}

func (e *DeniedError) Error() string {
	return "the database user of database.url may not make or change it (" + e.Err.Error() + "); let a user who may run these statements, and grant ours SELECT, INSERT, UPDATE and DELETE on " +
		Table + " and " + e.Part + ":\n" + strings.Join(e.Statements, ";\n") + ";"
}

func (e *DeniedError) Unwrap() error { return e.Err }
