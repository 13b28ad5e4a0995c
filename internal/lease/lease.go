// Package lease lets one process of a fleet do what must be done once for all: whoever holds the lease. It ends by itself, so that
// another process goes on when its holder has died.
package lease

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"coatcheck/internal/schema"
	"coatcheck/internal/sqlconn"
)

// Table keeps the leases. Times are Unix milliseconds.
const Table = "coatcheck_lease"

// Leases are those of one process in one database. Safe for concurrent use.
type Leases struct {
	db           *sqlconn.DB
	now          func() time.Time
	holder       string
	take, insert string
}

// New returns the leases in db; nothing is asked yet. The clocks of the fleet should agree within seconds.
func New(db *sqlconn.DB, now func() time.Time) *Leases {
	p := db.Placeholder
	insert, ignore := "INSERT INTO ", " ON CONFLICT (name) DO NOTHING"
	if db.Dialect == sqlconn.MySQL {
		insert, ignore = "INSERT IGNORE INTO ", ""
	}
	return &Leases{db: db, now: now, holder: rand.Text(),
		take:   "UPDATE " + Table + " SET holder = " + p(1) + ", ends = " + p(2) + " WHERE name = " + p(3) + " AND (ends <= " + p(4) + " OR holder = " + p(5) + ")",
		insert: insert + Table + " (name, holder, ends) VALUES (" + p(1) + ", " + p(2) + ", " + p(3) + ")" + ignore,
	}
}

// CreateTable makes the table where it is missing. The right to do so is needed only then.
func (l *Leases) CreateTable(ctx context.Context) error {
	return schema.Upgrade(ctx, l.db, schema.Part{Name: Table, Steps: []schema.Step{func(sqlconn.Dialect) []string {
		return []string{"CREATE TABLE IF NOT EXISTS " + Table + " (name varchar(64) NOT NULL PRIMARY KEY, holder varchar(64) NOT NULL, ends bigint NOT NULL)"}
	}}})
}

// Take reports whether this process holds the lease of that name from now on for d: no other process is told so meanwhile. It takes its
// own again.
func (l *Leases) Take(ctx context.Context, name string, d time.Duration) (bool, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	now := l.now()
	ends := now.Add(d).UnixMilli()
	got, err := l.changed(ctx, l.take, l.holder, ends, name, now.UnixMilli(), l.holder)
	if err == nil && !got { // held by another process, or by nobody yet
		got, err = l.changed(ctx, l.insert, name, l.holder, ends)
	}
	if err != nil {
		return false, fmt.Errorf("take lease %s in %s: %w", name, Table, err)
	}
	return got, nil
}

func (l *Leases) changed(ctx context.Context, statement string, args ...any) (bool, error) {
	res, err := l.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
