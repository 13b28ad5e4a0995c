package userdb

import (
	"database/sql"
	"fmt"
	"strings"

	"coatcheck/auth"
)

// rowColumns is how many columns a row has.
const rowColumns = 9

// row is a user as the table has it; nothing in it has to be there.
type row struct {
	id, username, password, email, firstName, lastName sql.NullString
	active, staff, superuser                           flag
}

// targets are where the columns of [Columns.selected] go.
func (r *row) targets() []any {
	return []any{&r.id, &r.username, &r.password, &r.email, &r.firstName, &r.lastName, &r.active, &r.staff, &r.superuser}
}

// named are where the columns of a configured query go, by their names; others are left out.
func (r *row) named(columns []string) []any {
	byName := map[string]any{
		"username": &r.username, "password": &r.password, "email": &r.email, "first_name": &r.firstName, "last_name": &r.lastName,
		"active": &r.active, "staff": &r.staff, "superuser": &r.superuser,
	}
	targets := make([]any, len(columns))
	for i, column := range columns {
		target, ok := byName[strings.ToLower(column)]
		if !ok {
			target = new(any)
		}
		targets[i] = target
	}
	return targets
}

func (r *row) user() auth.User {
	return auth.User{
		ID: r.id.String, Username: r.username.String, Password: r.password.String, Email: r.email.String,
		FirstName: r.firstName.String, LastName: r.lastName.String,
		Active: bool(r.active), Staff: bool(r.staff), Superuser: bool(r.superuser),
	}
}

// flag is a boolean column of whatever type. Only what clearly says yes is true: a status column with 1 for active and 3 for
// locked must not let the locked in.
type flag bool

// Scan implements [sql.Scanner].
func (f *flag) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*f = false
	case bool:
		*f = flag(v)
	case int64:
		*f = v == 1
	case []byte:
		*f = says(string(v))
	case string:
		*f = says(v)
	default:
		return fmt.Errorf("a flag cannot be a %T", src)
	}
	return nil
}

func says(text string) flag {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "t", "true", "y", "yes", "on", "\x01": // \x01 is MySQL's BIT(1)
		return true
	}
	return false
}
