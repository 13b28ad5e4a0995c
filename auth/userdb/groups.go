package userdb

import (
	"context"
	"slices"
	"strings"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

// membership names, quoted, the table that joins users and groups. The zero membership says that there is none.
type membership struct {
	table string // like auth_user_groups
	user  string // like user_id
	perms string // like auth_user_user_permissions; emptied when a user is deleted
}

func djangoMembership(dialect sqlconn.Dialect) *membership {
	return &membership{table: dialect.Quote("auth_user_groups"), user: dialect.Quote("user_id"), perms: dialect.Quote("auth_user_user_permissions")}
}

// joins finds the join table of a custom user model, which Django calls <table>_groups, with a column <model>_id. It asks once; a
// table without one has no groups.
func (d *Directory) joins(ctx context.Context, q querier) (membership, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.membership != nil {
		return *d.membership, nil
	}
	table := d.db.Quote(d.name + "_groups")
	columns, err := d.columnsOf(ctx, q, table)
	switch {
	case sqlconn.IsMissingTable(err):
		d.membership = &membership{}
	case err != nil && denied(err): // what MySQL says of a missing table, too, to a role that was granted single tables
		d.log.WarnContext(ctx, "no groups: the table that would hold them is missing or may not be read", "table", d.name+"_groups", "err", err)
		d.membership = &membership{}
	case err != nil:
		return membership{}, d.explain("look for groups", err)
	default:
		d.membership = d.joinsOf(table, columns)
	}
	return *d.membership, nil
}

func (d *Directory) joinsOf(table string, columns []string) *membership {
	others := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == "id" || c == "group_id" })
	if len(others) != 1 || !strings.HasSuffix(others[0], "_id") || !slices.Contains(columns, "group_id") {
		return &membership{}
	}
	return &membership{table: table, user: d.db.Quote(others[0]), perms: d.db.Quote(d.name + "_user_permissions")}
}

func (d *Directory) columnsOf(ctx context.Context, q querier, quotedTable string) ([]string, error) {
	ctx, cancel := d.db.Timeout(ctx)
	defer cancel()
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+quotedTable+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	rows.Next() // PostgreSQL tells of a missing table only here
	return columns, rows.Err()
}

// groups returns the names of the user's groups, sorted bytewise whatever the database's collation.
func (d *Directory) groups(ctx context.Context, q querier, u auth.User) ([]string, error) {
	text, args, err := d.groupsSelect(ctx, q, u)
	if err != nil || text == "" {
		return nil, err
	}
	ctx, cancel := d.db.Timeout(ctx)
	defer cancel()
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, d.explain("look up groups", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, d.explain("look up groups", err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, d.explain("look up groups", err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// groupsSelect is the statement that lists the user's groups; empty where there are none.
func (d *Directory) groupsSelect(ctx context.Context, q querier, u auth.User) (string, []any, error) {
	var id any // NULL, which is of every type, for nobody's groups
	if u.ID != "" {
		id = idParameter(d.db.Dialect, u.ID)
	}
	if d.groupsQuery != nil {
		return d.groupsQuery.text, d.groupsQuery.args(map[string]any{"id": id, "username": u.Username}), nil
	}
	if d.query != nil {
		return "", nil, nil
	}
	join, err := d.joins(ctx, q)
	if err != nil || join.table == "" {
		return "", nil, err
	}
	quote := d.db.Quote
	group := quote("auth_group")
	text := "SELECT " + group + "." + quote("name") + " FROM " + group + " INNER JOIN " + join.table + " ON " +
		group + "." + quote("id") + " = " + join.table + "." + quote("group_id") +
		" WHERE " + join.table + "." + join.user + " = " + d.db.Placeholder(1)
	return text, []any{id}, nil
}
