package sessionstore

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

var errISO = errors.New("not an ISO 8601 date")

// formatISO is Python's datetime.isoformat: microseconds, left out when zero, and t's offset; with local (USE_TZ off) local time without
// offset.
func formatISO(t time.Time, local *time.Location) string {
	zone := "-07:00"
	if local != nil {
		t, zone = t.In(local), ""
	} else if _, offset := t.Zone(); offset%60 != 0 {
		zone = "-07:00:00"
	}
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05" + zone)
	}
	return t.Format("2006-01-02T15:04:05.000000" + zone)
}

// parseISO reads what datetime.fromisoformat of Python 3.11 is documented to read: dates as YYYY-MM-DD, YYYYMMDD, YYYY-Www-D, YYYYWwwD or
// without day of week; then any one character; then HH, HH:MM or HH:MM:SS, with or without colons; then fraction and offset. A date without
// offset is in local, or UTC where that is nil (Django with USE_TZ on answers 500).
func parseISO(text string, local *time.Location) (time.Time, error) {
	if local == nil {
		local = time.UTC
	}
	r := &isoReader{rest: text}
	year, month, day := r.date()
	var clock isoClock
	if r.rest != "" {
		_, size := utf8.DecodeRuneInString(r.rest)
		r.rest = r.rest[size:]
		clock = r.clock(24)
		local = r.zone(local)
	}
	if r.bad || r.rest != "" {
		return time.Time{}, errISO
	}
	t := time.Date(year, time.Month(month), day, clock.hour, clock.minute, clock.second, clock.micro*1000, local)
	return t, inYears(t)
}

func inYears(t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return errExpiryRange
	}
	return nil
}

// isoReader takes a date from the front of rest. After a fault, bad is set and what is returned means nothing.
type isoReader struct {
	rest string
	bad  bool
}

type isoClock struct{ hour, minute, second, micro int }

func (r *isoReader) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(r.rest, prefix)
	r.rest = rest
	return ok
}

// number takes n digits that make a number from low to high.
func (r *isoReader) number(n, low, high int) int {
	digits := leadingDigits(r.rest, n)
	if digits < n {
		r.bad = true
		return low
	}
	value := 0
	for _, c := range r.rest[:n] {
		value = value*10 + int(c-'0')
	}
	r.rest = r.rest[n:]
	r.bad = r.bad || value < low || value > high
	return value
}

func leadingDigits(text string, most int) int {
	n := 0
	for n < len(text) && n < most && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

func (r *isoReader) date() (year, month, day int) {
	year = r.number(4, 1, 9999)
	dashed := r.skip("-")
	if r.skip("W") {
		return r.week(year, dashed)
	}
	month = r.number(2, 1, 12)
	if dashed && !r.skip("-") {
		r.bad = true
	}
	day = r.number(2, 1, 31)
	r.bad = r.bad || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day
	return year, month, day
}

// week reads ww, wwD or ww-D. As in Python, what follows a dash is the day unless no digit follows, and an undashed digit is the
// day where the digits up to the separator are odd in number.
func (r *isoReader) week(year int, dashed bool) (int, int, int) {
	week, weekday := r.number(2, 1, 53), 1
	switch {
	case dashed && len(r.rest) > 1 && r.rest[0] == '-' && leadingDigits(r.rest[1:], 2) == 1:
		r.skip("-")
		weekday = r.number(1, 1, 7)
	case !dashed && leadingDigits(r.rest, len(r.rest))%2 == 1:
		weekday = r.number(1, 1, 7)
	}
	// The fourth of January is always in week 1 (ISO 8601).
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7+(week-1)*7)
	if y, w := monday.ISOWeek(); y != year || w != week {
		r.bad = true
	}
	y, m, d := monday.AddDate(0, 0, weekday-1).Date()
	return y, int(m), d
}

func (r *isoReader) clock(hours int) isoClock {
	c := isoClock{hour: r.number(2, 0, hours-1)}
	colons := r.skip(":")
	if !colons && leadingDigits(r.rest, 2) < 2 {
		return c
	}
	c.minute = r.number(2, 0, 59)
	if (colons && !r.skip(":")) || (!colons && leadingDigits(r.rest, 2) < 2) {
		return c
	}
	c.second = r.number(2, 0, 59)
	if r.skip(".") || r.skip(",") {
		c.micro = r.fraction()
	}
	return c
}

// fraction takes all digits; those after the sixth are cut, as Python does.
func (r *isoReader) fraction() int {
	n := leadingDigits(r.rest, len(r.rest))
	if n == 0 {
		r.bad = true
		return 0
	}
	sixth := isoReader{rest: (r.rest[:n] + "00000")[:6]}
	r.rest = r.rest[n:]
	return sixth.number(6, 0, 999999)
}

func (r *isoReader) zone(local *time.Location) *time.Location {
	sign := 1
	switch {
	case r.rest == "":
		return local
	case r.skip("Z"):
		return time.UTC
	case r.skip("-"):
		sign = -1
	case !r.skip("+"):
		r.bad = true
	}
	c := r.clock(24) // fractions of a second of an offset are dropped
	return time.FixedZone("", sign*((c.hour*60+c.minute)*60+c.second))
}
