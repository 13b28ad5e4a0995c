package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
)

// sessionTable is Django's.
const sessionTable = "django_session"

// inRows reports whether the engine keeps sessions in the database.
func (p *Patient) inRows() bool {
	return p.Config.Session.Engine == "db" || p.Config.Session.Engine == "cached_db"
}

func lookAtDatabase(ctx context.Context, p *Patient, n *notes) {
	switch {
	case p.Database == nil && p.Config.Database.URL.Empty():
		n.ok("there is no database yet; serve makes one in data_dir")
		return
	case p.Database == nil:
		n.warning("database.url", "the file in database.url (or users.url) is not there", "serve makes it; if there is a Django, write the whole path of its file")
		return
	}
	tables, err := p.Database.Tables(ctx)
	if err != nil {
		n.problem("database.url", "the database does not answer: "+err.Error(), "start it, or look at host, port, user and password in database.url")
		return
	}
	switch {
	case p.Foreign(tables):
		n.problem("database.url", fmt.Sprintf("the database belongs to another program: it has %d tables and none of Django's or ours", len(tables)),
			"give coatcheck a database of its own, or Django's")
	case p.inRows() && slices.Contains(tables, sessionTable):
		p.lookAtTable(ctx, n)
	case p.inRows():
		n.warning("database.url", "there is no table "+sessionTable+" yet", "serve makes it; if there is a Django, let its manage.py migrate make it, or name its database")
	}
	p.lookAtUserTables(ctx, n)
	n.well("the %s database answers and has the tables", p.Database.Dialect)
}

func (p *Patient) lookAtTable(ctx context.Context, n *notes) {
	store := dbstore.New(p.Database, codec.NewSigned(p.Keys, p.Now), dbstore.Options{Now: p.Now})
	if err := store.Check(ctx); err != nil {
		n.problem("database.url", err.Error(), "let Django's migrations make the table "+sessionTable+", or give coatcheck a database of its own")
	}
}

// lookAtUserTables: Django's are made where they are missing in the database of the sessions.
func (p *Patient) lookAtUserTables(ctx context.Context, n *notes) {
	if p.Users == nil {
		return
	}
	err := p.Users.Check(ctx)
	made := p.Config.Users.Query == "" && p.Config.Users.Table == userdb.DjangoTable && p.Config.Users.URL.Empty()
	switch {
	case err == nil:
	case made && sqlconn.IsMissingTable(err):
		n.warning("users.table", "there is no table "+userdb.DjangoTable+" yet", "serve makes it; if there are users elsewhere, name their table in users.table or their database in users.url")
	default:
		n.problem("users.table", err.Error(), "correct users.table and users.columns, or grant SELECT on them")
	}
}

// lookAtRights asks for each right with a statement over no rows, in a transaction that is rolled back besides.
func lookAtRights(ctx context.Context, p *Patient, n *notes) {
	if p.Database == nil {
		return
	}
	tables, err := p.Database.Tables(ctx)
	if err != nil || p.Foreign(tables) {
		return
	}
	for _, table := range tables {
		if table == sessionTable && p.inRows() || strings.HasPrefix(table, "coatcheck_") {
			p.tryRights(ctx, n, table)
		}
	}
	p.tryLastLogin(ctx, n)
	n.well("the database user may write what has to be written")
}

func (p *Patient) tryRights(ctx context.Context, n *notes, table string) {
	name := p.Database.Quote(table)
	for _, verb := range []struct{ name, statement string }{
		{"SELECT", "SELECT 1 FROM " + name + " WHERE 1 = 0"},
		{"INSERT", "INSERT INTO " + name + " SELECT * FROM " + name + " WHERE 1 = 0"},
		{"DELETE", "DELETE FROM " + name + " WHERE 1 = 0"},
		{"UPDATE", p.update(table)},
	} {
		if verb.statement == "" {
			continue
		}
		if err := try(ctx, p.Database, verb.statement); err != nil {
			n.problem("database.url", fmt.Sprintf("the database user may not %s in %s: %v", verb.name, table, err),
				fmt.Sprintf("run: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO the user in database.url; a read-only server or file cannot keep sessions", table))
			return
		}
	}
}

// update sets a column of the table to what it is; the others have columns of their own.
func (p *Patient) update(table string) string {
	if table != sessionTable {
		return ""
	}
	return "UPDATE " + p.Database.Quote(table) + " SET session_data = session_data, expire_date = expire_date WHERE 1 = 0"
}

// tryLastLogin: logins go on without the right.
func (p *Patient) tryLastLogin(ctx context.Context, n *notes) {
	u := p.Config.Users
	if p.UserDatabase == nil || u.Query != "" || u.Columns.LastLogin == "" || p.Users.Check(ctx) != nil {
		return
	}
	column := p.UserDatabase.Quote(u.Columns.LastLogin)
	statement := "UPDATE " + p.UserDatabase.Quote(u.Table) + " SET " + column + " = " + column + " WHERE 1 = 0"
	if err := try(ctx, p.UserDatabase, statement); err != nil {
		n.warning("users.columns.last_login", "the time of logins cannot be written: "+err.Error(),
			`allow UPDATE of that column, or set users.columns.last_login: ""`)
	}
}

// try runs the statement in a transaction that is rolled back.
func try(ctx context.Context, db *sqlconn.DB, statement string) error {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, statement)
	return err
}
