package wording

import (
	"strconv"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 365 * day
)

type unit struct {
	size, from time.Duration // below from the next unit reads better
	name       string
}

// Duration says d as people do, in the largest unit that loses nothing: "2 weeks", "36 hours", "90 seconds". What is under a
// second counts as one, and parts of a second are rounded up; from five minutes on nobody counts the seconds.
func (l *Language) Duration(d time.Duration) string {
	d = max((d + time.Second - 1).Truncate(time.Second), time.Second)
	for _, u := range []unit{{year, year, "year"}, {week, 2 * week, "week"}, {day, day, "day"}, {time.Hour, time.Hour, "hour"}, {time.Minute, time.Minute, "minute"}} {
		if d >= u.from && d%u.size == 0 {
			return l.count("duration.", u.name, d/u.size)
		}
	}
	if d > 5*time.Minute {
		return l.count("duration.", "minute", (d+time.Minute-1)/time.Minute)
	}
	return l.count("duration.", "second", d/time.Second)
}

// About says d in its largest unit, rounded down: "3 days" for what is left of four.
func (l *Language) About(d time.Duration) string {
	u, n := about(d)
	return l.count("duration.", u, n)
}

// Ago says how long ago something was, roughly.
func (l *Language) Ago(d time.Duration) string {
	u, n := about(d)
	if u == "second" {
		return l.Say("ago.now", nil)
	}
	return l.count("ago.", u, n)
}

func about(d time.Duration) (name string, n time.Duration) {
	for _, u := range []unit{{year, year, "year"}, {week, 2 * week, "week"}, {day, 2 * day, "day"}, {time.Hour, time.Hour, "hour"}, {time.Minute, time.Minute, "minute"}} {
		if d >= u.from {
			return u.name, d / u.size
		}
	}
	return "second", max(d/time.Second, 1)
}

func (l *Language) count(prefix, unit string, n time.Duration) string {
	return l.Say(prefix+unit, Values{"n": int(n)})
}

// Date is a day and a time of day in UTC.
func (l *Language) Date(t time.Time) string {
	t = t.UTC()
	return l.Say("date", Values{"day": t.Day(), "month": l.Say("month."+strconv.Itoa(int(t.Month())), nil), "year": t.Year(), "time": t.Format("15:04")})
}
