package doctor

import (
	"context"
	"fmt"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
)

// How far clocks may be apart: signed values from the future are refused beyond the second.
const (
	apartWarning = 5 * time.Second
	apartProblem = signing.MaxSkew
)

// clockQuery asks for seconds since 1970. SQLite has no clock but ours.
var clockQuery = map[sqlconn.Dialect]string{
	sqlconn.Postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)",
	sqlconn.MySQL:    "SELECT UNIX_TIMESTAMP(NOW(6)) + 0e0",
}

func lookAtClocks(ctx context.Context, p *Patient, n *notes) {
	if p.Database != nil && clockQuery[p.Database.Dialect] != "" {
		p.compare(n, "the database's", func() (time.Time, error) { return databaseClock(ctx, p.Database) })
	}
	if p.Cache != nil && p.Cache.CanDate() {
		p.compare(n, "Redis'", func() (time.Time, error) { return p.Cache.Clock(ctx) })
	}
	p.judgeClock(n, "this machine's", p.Now(), plausible(p.Now()))
	n.well("the clocks agree")
}

// plausible is now, unless that is before this program was written: then the clock was never set.
func plausible(now time.Time) time.Time {
	written := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if now.Before(written) {
		return written
	}
	return now
}

// compare takes the middle between question and answer for the moment of theirs. Who does not answer is another look's business.
func (p *Patient) compare(n *notes, whose string, ask func() (time.Time, error)) {
	before := p.Now()
	theirs, err := ask()
	if err != nil {
		return
	}
	ours := before.Add(p.Now().Sub(before) / 2)
	p.judgeClock(n, whose, ours, theirs)
}

func (p *Patient) judgeClock(n *notes, whose string, ours, theirs time.Time) {
	apart := ours.Sub(theirs).Abs()
	seen := fmt.Sprintf("this machine's clock and %s are %s apart", whose, apart.Round(time.Second))
	if whose == "this machine's" {
		seen = "this machine's clock says " + ours.UTC().Format(time.DateOnly)
	}
	const advice = "let NTP set the clocks of both machines (timedatectl set-ntp true)"
	switch {
	case apart > apartProblem:
		n.problem("", seen+": sessions end early or are refused", advice)
	case apart > apartWarning:
		n.warning("", seen, advice)
	}
}

func databaseClock(ctx context.Context, db *sqlconn.DB) (time.Time, error) {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	var seconds float64
	if err := db.QueryRowContext(ctx, clockQuery[db.Dialect]).Scan(&seconds); err != nil {
		return time.Time{}, err
	}
	return time.UnixMicro(int64(seconds * 1e6)), nil
}
