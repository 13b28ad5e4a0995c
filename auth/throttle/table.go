package throttle

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"coatcheck/internal/sqlconn"
)

const tableName = "coatcheck_throttle"

// row is what the table keeps under a key; the zero row is that of a key that is not there. Times are Unix milliseconds.
type row struct {
	id         string
	failures   int
	last       time.Time // of the last failure, or of the success after it
	knownUntil time.Time // pairs: until when the address is known to the account
}

func (r row) count() Count { return Count{Failures: r.failures, Last: r.last} }

// expires is when the row may be removed.
func (r row) expires() time.Time {
	switch {
	case r.id[0] == 'p' && r.knownUntil.After(r.last.Add(pairMemory)):
		return r.knownUntil
	case r.id[0] == 'p':
		return r.last.Add(pairMemory)
	case r.id[0] == 'u' && r.failures >= rememberFrom:
		return r.last.AddDate(100, 0, 0)
	case r.id[0] == 'u':
		return r.last.Add(accountMemory)
	}
	return r.last.Add(2 * window)
}

// change is one conditional write.
type change struct{ from, to row }

// table is coatcheck_throttle. Every statement finds its rows by primary key, but reset and clear.
type table struct {
	db                               *sqlconn.DB
	insertRow, swapRow, raise, lower string
	succeedPair, succeedAccount      string
}

func newTable(db *sqlconn.DB) table {
	b := func(text string) string { return numbered(db.Dialect, text) }
	insert, ignore := "INSERT INTO ", " ON CONFLICT DO NOTHING"
	if db.Dialect == sqlconn.MySQL {
		insert, ignore = "INSERT IGNORE INTO ", ""
	}
	return table{
		db:             db,
		insertRow:      b(insert + tableName + " (id, failures, last_failure, known_until, expires) VALUES (?, 0, ?, 0, ?)" + ignore),
		swapRow:        b("UPDATE " + tableName + " SET failures = ?, last_failure = ?, expires = ? WHERE id = ? AND failures = ? AND last_failure = ?"),
		raise:          b("UPDATE " + tableName + " SET failures = failures + 1, last_failure = ?, expires = ? WHERE id = ?"),
		lower:          b("UPDATE " + tableName + " SET failures = failures - 1 WHERE id = ? AND failures > 0"),
		succeedPair:    b("UPDATE " + tableName + " SET failures = 0, last_failure = ?, known_until = ?, expires = ? WHERE id = ?"),
		succeedAccount: b("UPDATE " + tableName + " SET failures = 0 WHERE id = ?"),
	}
}

// numbered puts the dialect's placeholders for question marks.
func numbered(dialect sqlconn.Dialect, text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "?") {
		if i > 0 {
			out.WriteString(dialect.Placeholder(i))
		}
		out.WriteString(part)
	}
	return out.String()
}

// create needs the right to create only where the table is missing.
func (t table) create(ctx context.Context) error {
	if _, err := t.read(ctx, "none"); !sqlconn.IsMissingTable(err) {
		return err
	}
	keyType, index := "varchar(64)", ""
	if t.db.Dialect == sqlconn.MySQL {
		keyType, index = "varchar(64) CHARACTER SET ascii COLLATE ascii_bin", ", KEY "+tableName+"_expires (expires)"
	}
	statements := []string{"CREATE TABLE IF NOT EXISTS " + tableName + " (id " + keyType + " NOT NULL PRIMARY KEY, failures bigint NOT NULL, " +
		"last_failure bigint NOT NULL, known_until bigint NOT NULL, expires bigint NOT NULL" + index + ")"}
	if index == "" {
		statements = append(statements, "CREATE INDEX IF NOT EXISTS "+tableName+"_expires ON "+tableName+" (expires)")
	}
	return t.db.Make(ctx, statements...)
}

func (t table) read(ctx context.Context, ids ...string) (map[string]row, error) {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	rows, err := t.db.QueryContext(ctx, numbered(t.db.Dialect, "SELECT id, failures, last_failure, known_until FROM "+tableName+" WHERE id IN ("+questions(len(ids))+")"), anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]row{}
	for rows.Next() {
		var r row
		var last, known int64
		if err := rows.Scan(&r.id, &r.failures, &last, &known); err != nil {
			return nil, err
		}
		r.last, r.knownUntil = time.UnixMilli(last).UTC(), time.UnixMilli(known).UTC()
		found[r.id] = r
	}
	return found, rows.Err()
}

// count makes the changes, if the rows are as they were read, and raises the others; all or nothing. The rows exist before the transaction
// begins and are locked in one order, so two of them cannot wait for one another.
func (t table) count(ctx context.Context, changes []change, raised []string, now time.Time) (bool, error) {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	if err := t.insertMissing(ctx, changes, raised, now); err != nil {
		return false, err
	}
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // nothing after a Commit
	for _, c := range changes {
		n, err := affected(tx.ExecContext(ctx, t.swapRow, c.to.failures, c.to.last.UnixMilli(), c.to.expires().UnixMilli(), c.from.id, c.from.failures, c.from.millis()))
		if err != nil || n == 0 {
			return false, err
		}
	}
	for _, id := range raised {
		if _, err := tx.ExecContext(ctx, t.raise, now.UnixMilli(), row{id: id, last: now}.expires().UnixMilli(), id); err != nil {
			return false, err
		}
	}
	return true, tx.Commit()
}

func (t table) insertMissing(ctx context.Context, changes []change, raised []string, now time.Time) error {
	ids := raised
	for _, c := range changes {
		if c.from.last.IsZero() {
			ids = append(ids[:len(ids):len(ids)], c.from.id)
		}
	}
	for _, id := range ids {
		if _, err := t.db.ExecContext(ctx, t.insertRow, id, 0, row{id: id, last: now}.expires().UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// millis is the time of the last failure as the table has it; 0 for a row that was inserted but never counted.
func (r row) millis() int64 {
	if r.last.IsZero() {
		return 0
	}
	return r.last.UnixMilli()
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t table) succeed(ctx context.Context, known []row, account string, lowered []string) error {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	slices.SortFunc(known, func(a, b row) int { return strings.Compare(a.id, b.id) }) // the order in which they are locked
	if len(known) > 1 {                                                               // only one of them was counted
		if err := t.insertKnown(ctx, known); err != nil {
			return err
		}
	}
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after a Commit
	for _, pair := range known {
		if _, err := tx.ExecContext(ctx, t.succeedPair, pair.last.UnixMilli(), pair.knownUntil.UnixMilli(), pair.expires().UnixMilli(), pair.id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, t.succeedAccount, account); err != nil {
		return err
	}
	for _, id := range lowered {
		if _, err := tx.ExecContext(ctx, t.lower, id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (t table) insertKnown(ctx context.Context, known []row) error {
	for _, pair := range known {
		if _, err := t.db.ExecContext(ctx, t.insertRow, pair.id, 0, pair.expires().UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

func (t table) uncount(ctx context.Context, ids ...string) error {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	for _, id := range ids {
		if _, err := t.db.ExecContext(ctx, t.lower, id); err != nil {
			return err
		}
	}
	return nil
}

func (t table) reset(ctx context.Context, account, pairPrefix string) error {
	text := numbered(t.db.Dialect, "UPDATE "+tableName+" SET failures = 0 WHERE id = ? OR id LIKE ?")
	_, err := t.db.ExecContext(ctx, text, account, pairPrefix+"%")
	return err
}

// clear removes in batches, so that nobody waits for long (F33).
func (t table) clear(ctx context.Context, now time.Time) (int64, error) {
	const batch = 200
	var total int64
	for {
		ids, err := t.expired(ctx, now, batch)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		// the condition again: a row may have been counted anew since
		text := numbered(t.db.Dialect, "DELETE FROM "+tableName+" WHERE id IN ("+questions(len(ids))+") AND expires < ?")
		n, err := affected(t.db.ExecContext(ctx, text, append(anys(ids), now.UnixMilli())...))
		if err != nil {
			return total, err
		}
		total += n
	}
}

func (t table) expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	rows, err := t.db.QueryContext(ctx, numbered(t.db.Dialect, "SELECT id FROM "+tableName+" WHERE expires < ? LIMIT ?"), now.UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

func questions(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
