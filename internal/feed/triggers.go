package feed

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coatcheck/internal/sqlconn"
)

// Tables with triggers.
const (
	sessionTable = "django_session"
	ledgerTable  = "coatcheck_session"
	userTable    = "auth_user"
	memberTable  = "auth_user_groups"
	groupTable   = "auth_group"
)

// SessionName is what the triggers call a session: its key goes over no channel that everybody may listen to.
func SessionName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// trigger tells when a table changes. A new text needs a new name: an old one is left as it is found.
type trigger struct {
	table, name string
	when        string // AFTER …
	tells       string // the name, in SQL over OLD or NEW; every for all
	word        string
}

// userColumns are what a request may depend on: a login writes last_login, and that is nobody's business.
const userColumns = `OLD.%[1]s IS DISTINCT FROM NEW.%[1]s`

// triggers are small: one statement each, told when the transaction commits, and at once dropped when the same was told before in it. A session that
// expired some time ago is not told, for clearing removes thousands at once and nobody believes in them any more; clocks may differ by less
// than that (F22). All of them fire for replication, too.
func triggers() []trigger {
	hash := func(row string) string {
		return "encode(sha256(convert_to(" + row + ".session_key, 'UTF8')), 'hex')"
	}
	return []trigger{
		{sessionTable, "coatcheck_update", "UPDATE ON {table} FOR EACH ROW", hash("OLD"), "s"},
		{sessionTable, "coatcheck_delete", "DELETE ON {table} FOR EACH ROW WHEN (OLD.expire_date > now() - interval '10 minutes')", hash("OLD"), "s"},
		{sessionTable, "coatcheck_truncate", "TRUNCATE ON {table} FOR EACH STATEMENT", "", "s"},
		{ledgerTable, "coatcheck_insert", "INSERT ON {table} FOR EACH ROW WHEN (NEW.revoked_until IS NOT NULL)", "NEW.session_hash", "l"},
		{ledgerTable, "coatcheck_update", "UPDATE ON {table} FOR EACH ROW WHEN (NEW.revoked_until IS DISTINCT FROM OLD.revoked_until)", "NEW.session_hash", "l"},
		{userTable, "coatcheck_update", "UPDATE ON {table} FOR EACH ROW WHEN (" + userChanged() + ")", "OLD.id", "u"},
		{userTable, "coatcheck_delete", "DELETE ON {table} FOR EACH ROW", "OLD.id", "u"},
		{userTable, "coatcheck_truncate", "TRUNCATE ON {table} FOR EACH STATEMENT", "", "u"},
		{memberTable, "coatcheck_insert", "INSERT ON {table} FOR EACH ROW", "NEW.user_id", "u"},
		{memberTable, "coatcheck_update", "UPDATE ON {table} FOR EACH STATEMENT", "", "u"},
		{memberTable, "coatcheck_delete", "DELETE ON {table} FOR EACH ROW", "OLD.user_id", "u"},
		{memberTable, "coatcheck_truncate", "TRUNCATE ON {table} FOR EACH STATEMENT", "", "u"},
		{groupTable, "coatcheck_update", "UPDATE ON {table} FOR EACH STATEMENT", "", "u"},
		{groupTable, "coatcheck_delete", "DELETE ON {table} FOR EACH STATEMENT", "", "u"},
		{groupTable, "coatcheck_truncate", "TRUNCATE ON {table} FOR EACH STATEMENT", "", "u"},
	}
}

func userChanged() string {
	var parts []string
	for _, column := range []string{"id", "username", "password", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser"} {
		parts = append(parts, fmt.Sprintf(userColumns, column))
	}
	return strings.Join(parts, " OR ")
}

func triggersOf(tables ...string) (names []string) {
	for _, t := range triggers() {
		if slices.Contains(tables, t.table) {
			names = append(names, t.table+"."+t.name)
		}
	}
	return names
}

// presentTriggers lists ours that fire, on the tables that unqualified names reach.
const presentTriggers = `SELECT c.relname::text || '.' || t.tgname::text FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE 'coatcheck\_%' AND t.tgenabled = 'A' AND pg_catalog.pg_table_is_visible(c.oid)`

// statements make the trigger and its function. Both belong to the table's schema.
func (t trigger) statements() []string {
	told := "'" + every + "'"
	if t.tells != "" {
		told = t.tells
	}
	function := t.table + "_" + t.name
	table := sqlconn.Postgres.Quote(t.table)
	return []string{
		"CREATE OR REPLACE FUNCTION " + function + "() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN " +
			"PERFORM pg_notify('" + channel + "', '" + t.word + ":' || " + told + "); RETURN NULL; END $$",
		"DROP TRIGGER IF EXISTS " + t.name + " ON " + table,
		"CREATE TRIGGER " + t.name + " AFTER " + strings.ReplaceAll(t.when, "{table}", table) + " EXECUTE FUNCTION " + function + "()",
		"ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER " + t.name,
	}
}

// lockNumber keeps processes that start at once from making the same trigger at once: PostgreSQL would fail one of them.
const lockNumber = 0x636f6174 // "coat"

// MakeTriggers makes the triggers of those of the tables that are watched, where they are missing, in a PostgreSQL database. It takes the right to alter them.
func MakeTriggers(ctx context.Context, db *sqlconn.DB, tables ...string) (err error) {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("make triggers: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make triggers (database.triggers: off does without): %w", err), tx.Rollback())
		}
	}()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", lockNumber); err != nil {
		return err
	}
	there, err := present(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range triggers() {
		if !slices.Contains(tables, t.table) || slices.Contains(there, t.table+"."+t.name) {
			continue
		}
		for _, statement := range t.statements() {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s on %s: %w", t.name, t.table, err)
			}
		}
	}
	return tx.Commit()
}

func present(ctx context.Context, tx *sql.Tx) ([]string, error) {
	rows, err := tx.QueryContext(ctx, presentTriggers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Tables returns the names of all watched tables.
func Tables() []string {
	return []string{sessionTable, ledgerTable, userTable, memberTable, groupTable}
}
