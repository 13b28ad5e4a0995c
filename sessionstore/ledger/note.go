package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"coatcheck/internal/sqlconn"
)

const (
	// MaxAgent is how much of a User-Agent is kept, in bytes.
	MaxAgent = 200
	// maxUser is the longest user id that is kept, in bytes; sessions of others are not in the ledger.
	maxUser = 255
	// maxAddress is that of an IPv6 address with its zone, in bytes.
	maxAddress = 64
	// noteBatch bounds the rows of one statement.
	noteBatch = 200
)

// Sighting is a session that was seen.
type Sighting struct {
	Entry
	Key     string    // the session key
	Expires time.Time // when its record ends, as far as is known: the row may go then
}

// Note writes sightings, a few statements for many: rows that are missing are made, those that are there learn of later activity and of an earlier
// beginning. A session that was ended stays so.
func (l *Ledger) Note(ctx context.Context, seen ...Sighting) error {
	seen = slices.DeleteFunc(slices.Clone(seen), func(s Sighting) bool { return len(s.UserID) > maxUser })
	slices.SortFunc(seen, func(a, b Sighting) int { return strings.Compare(a.Hash, b.Hash) }) // the order in which rows are locked
	seen = slices.CompactFunc(seen, func(a, b Sighting) bool { return a.Hash == b.Hash })     // PostgreSQL takes each row once
	for batch := range slices.Chunk(seen, noteBatch) {
		if err := l.noteSome(ctx, batch); err != nil {
			return fmt.Errorf("write %s: %w", Table, err)
		}
	}
	return nil
}

func (l *Ledger) noteSome(ctx context.Context, seen []Sighting) error {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	var args []any
	for _, s := range seen {
		args = append(args, s.Hash, s.UserID, millis(s.Created), millis(s.AuthTime), millis(s.LastSeen), millis(s.Expires),
			plain(s.Address, maxAddress), plain(s.Agent, MaxAgent), l.seal.Seal([]byte(s.Key), s.Hash))
	}
	_, err := l.db.ExecContext(ctx, noteText(l.db.Dialect, len(seen)), args...)
	return err
}

func noteText(d sqlconn.Dialect, rows int) string {
	columns := []string{"session_hash", "user_id", "created", "auth_time", "last_seen", "expires", "address", "agent", "sealed_key"}
	var b strings.Builder
	b.WriteString("INSERT INTO " + Table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	for i := range rows {
		mark := make([]string, len(columns))
		for j := range mark {
			mark[j] = d.Placeholder(i*len(columns) + j + 1)
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + strings.Join(mark, ", ") + ")")
	}
	b.WriteString(" " + conflict(d))
	for _, column := range columns[1:] {
		b.WriteString(column + " = " + merged(d, column) + ", ")
	}
	return strings.TrimSuffix(b.String(), ", ")
}

// merged is the value of a column of a row that is there already.
func merged(d sqlconn.Dialect, column string) string {
	had, new := Table+"."+column, incoming(d, column)
	keep := map[string]string{"created": "<", "auth_time": "<", "last_seen": ">"}[column]
	if keep == "" {
		return new
	}
	return "CASE WHEN " + had + " " + keep + " " + new + " THEN " + had + " ELSE " + new + " END"
}

// plain bounds what a client can put into the table, whatever its character set.
func plain(text string, limit int) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), limit)])
}
