package doctor

import (
	"context"
	"fmt"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/sqlconn"
)

const (
	farthest = 14 * time.Hour // that a time zone is from UTC
	quarter  = 15 * time.Minute
	together = 5 * time.Second // between signing a session and computing its end
)

// lookAtDates compares when each session was signed, which is always UTC, with the end that the row says: what is left over is the time
// zone, or another lifetime.
func lookAtDates(ctx context.Context, p *Patient, n *notes) {
	if !p.inRows() || p.Database == nil {
		return
	}
	off, alike, looked := p.offset(ctx)
	if looked == 0 {
		return
	}
	zone := off.Round(quarter)
	zoned := p.Database.Dialect != sqlconn.Postgres // which keeps moments
	switch {
	case off.Abs() <= together || !alike:
		n.ok("the sessions' ends are as their writer meant them")
	case zoned && zone.Abs() <= farthest && (off-zone).Abs() <= together:
		n.problem("database.time_zone", fmt.Sprintf("all sessions end %s than they should by database.time_zone %s: their writer keeps dates in another zone (USE_TZ = False)", lateOrEarly(zone), p.Config.Database.TimeZone),
			fmt.Sprintf("set database.time_zone to TIME_ZONE of Django's settings (a zone that is %s of %s)", ahead(zone), p.Config.Database.TimeZone))
	default:
		n.warning("session.cookie_age", fmt.Sprintf("sessions were written to last %s, not %s", p.Config.Session.CookieAge+off, p.Config.Session.CookieAge),
			fmt.Sprintf("set session.cookie_age to SESSION_COOKIE_AGE of Django's settings (%d)", int64((p.Config.Session.CookieAge+off).Seconds())))
	}
}

// offset returns by how much the sessions end later than they should, and whether all that were looked at do.
func (p *Patient) offset(ctx context.Context) (off time.Duration, alike bool, looked int) {
	alike = true
	for _, k := range p.sampleOf(ctx).sessions {
		age, plain := p.age(k)
		if !plain {
			continue
		}
		this := k.expires.Sub(k.signedAt.Add(age))
		if looked > 0 && (this-off).Abs() > together {
			alike = false
		}
		off = this
		looked++
	}
	return off, alike, looked
}

// age is how long the session was meant to last; false where it says no number of seconds itself and yet something.
func (p *Patient) age(k kept) (time.Duration, bool) {
	if k.data == nil || k.signedAt.IsZero() {
		return 0, false
	}
	value, found := k.data.Get("_session_expiry")
	if !found {
		return p.Config.Session.CookieAge, true
	}
	seconds, isInt := value.(pyvalue.Int)
	number, fits := seconds.Int64()
	if !isInt || !fits || number < 0 || number > 1<<31 {
		return 0, false
	}
	if number == 0 { // ends with the browser; the row lasts as any
		return p.Config.Session.CookieAge, true
	}
	return time.Duration(number) * time.Second, true
}

func lateOrEarly(off time.Duration) string {
	if off > 0 {
		return off.String() + " later"
	}
	return (-off).String() + " earlier"
}

func ahead(off time.Duration) string {
	if off > 0 {
		return off.String() + " ahead"
	}
	return (-off).String() + " behind"
}
