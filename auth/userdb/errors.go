package userdb

import (
	"errors"
	"fmt"
	"strings"

	"coatcheck/internal/sqlconn"
)

// The answers of the administration that are not faults.
var (
	// ErrUserExists: the name is taken.
	ErrUserExists = errors.New("there is a user of this name already")
	// ErrNoGroups: the user table has no group tables of Django's to write to.
	ErrNoGroups = errors.New("this user table has no group tables that could be written; change groups where users.groups_query reads them")
	errReadOnly = errors.New("users.query is only read; name users.table and users.columns to administer users")
)

// explain says what was tried and, where the database's answer tells, what to do about it.
func (d *Directory) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	switch {
	case sqlconn.IsMissingTable(err):
		hint = ": a table is missing: make it with `coatcheck user add` or Django's migrate, or correct database.url and users.table"
	case sqlconn.IsMissingColumn(err):
		hint = ": is this the user table? correct users.table or users.columns; an empty column name says that there is none"
	case denied(err):
		hint = ": grant SELECT on the user and group tables (INSERT, UPDATE and DELETE only to administer users)"
	}
	return fmt.Errorf("%s in %s%s: %w", what, d.name, hint, err)
}

// denied reports that the database refused for want of a right.
func denied(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState() == "42501"
	}
	text := err.Error() // MySQL: ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR; SQLite: SQLITE_READONLY
	return strings.Contains(text, "Error 1142 ") || strings.Contains(text, "Error 1143 ") || strings.Contains(text, "readonly database")
}

// unwritable reports that a view cannot be written through: PostgreSQL 55000, MySQL ER_NON_UPDATABLE_TABLE, SQLite's own words.
func unwritable(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState() == "55000"
	}
	return strings.Contains(err.Error(), "Error 1288 ") || strings.Contains(err.Error(), "because it is a view")
}
