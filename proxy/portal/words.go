package portal

import (
	"strconv"
	"time"
)

// words says a duration as people do, in its largest unit that loses nothing: "2 weeks", "36 hours", "90 seconds". What is
// under a second counts as one, and parts of a second are rounded up.
func words(d time.Duration) string {
	const day = 24 * time.Hour
	d = max((d + time.Second - 1).Truncate(time.Second), time.Second)
	for _, unit := range []struct {
		size time.Duration
		from time.Duration // below this the next unit reads better
		name string
	}{
		{365 * day, 365 * day, "year"}, {7 * day, 14 * day, "week"}, {day, day, "day"}, {time.Hour, time.Hour, "hour"}, {time.Minute, time.Minute, "minute"},
	} {
		if d >= unit.from && d%unit.size == 0 {
			return count(int64(d/unit.size), unit.name)
		}
	}
	if d > 5*time.Minute { // a wait, not a setting: nobody counts the seconds
		return count(int64((d+time.Minute-1)/time.Minute), "minute")
	}
	return count(int64(d/time.Second), "second")
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.FormatInt(n, 10) + " " + unit + "s"
}
