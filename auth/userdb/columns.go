package userdb

import (
	"errors"
	"fmt"
	"strings"

	"coatcheck/internal/sqlconn"
)

// Columns names the columns of a user table. An empty name says that the table has no such column: everybody is then
// active, nobody staff or superuser, and texts are empty.
type Columns struct {
	ID, Username, Password     string // required
	Email, FirstName, LastName string
	Active, Staff, Superuser   string // true: a true boolean, the number 1, or one of the words 1 t true y yes on
	LastLogin                  string
}

// DjangoColumns are the columns of auth_user.
func DjangoColumns() Columns {
	return Columns{
		ID: "id", Username: "username", Password: "password", Email: "email", FirstName: "first_name", LastName: "last_name",
		Active: "is_active", Staff: "is_staff", Superuser: "is_superuser", LastLogin: "last_login",
	}
}

// fields lists every column with its configuration key, in the order in which row scans them; last_login is not read at login.
func (c *Columns) fields() []struct {
	key  string
	name *string
} {
	return []struct {
		key  string
		name *string
	}{
		{"id", &c.ID}, {"username", &c.Username}, {"password", &c.Password}, {"email", &c.Email}, {"first_name", &c.FirstName},
		{"last_name", &c.LastName}, {"active", &c.Active}, {"staff", &c.Staff}, {"superuser", &c.Superuser}, {"last_login", &c.LastLogin},
	}
}

// quoted returns the columns as quoted identifiers, or every problem at once.
func (c Columns) quoted(dialect sqlconn.Dialect) (Columns, error) {
	var problems []error
	for i, field := range c.fields() {
		if *field.name == "" {
			if i < 3 {
				problems = append(problems, fmt.Errorf("users.columns.%s: name the column; without it nobody can log in", field.key))
			}
			continue
		}
		if err := sqlconn.CheckIdent(*field.name); err != nil || strings.Contains(*field.name, ".") {
			problems = append(problems, fmt.Errorf("users.columns.%s: %.80q is no column name; use letters, digits, _ and $", field.key, *field.name))
		}
		*field.name = dialect.Quote(*field.name)
	}
	return c, errors.Join(problems...)
}

// selected is the list of row's columns; c and table are quoted.
func (c Columns) selected(table string) string {
	names := make([]string, 0, rowColumns)
	for _, field := range c.fields()[:rowColumns] {
		if *field.name == "" {
			names = append(names, "NULL")
			continue
		}
		names = append(names, table+"."+*field.name)
	}
	return strings.Join(names, ", ")
}
