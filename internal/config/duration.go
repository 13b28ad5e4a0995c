package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A hundred years: more overflows the dates that Django can write.
const longest = 36500 * 24 * time.Hour

var errDuration = errors.New("is no duration: write 90s, 15m, 12h, 14d, or a number of seconds")

// ParseDuration reads a duration as the configuration writes it: between 0 and 36500 days. The error continues `"value" …`.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// parseDuration reads Go's form, days before it (14d, 1d12h), or a bare number of seconds as Django writes them.
func parseDuration(text string) (time.Duration, error) {
	d, err := durationOf(text)
	if err != nil {
		return 0, err
	}
	if d < 0 || d > longest {
		return 0, errors.New("is out of range: a duration is between 0 and 36500d")
	}
	return d, nil
}

func durationOf(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return scaled(seconds, time.Second)
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseInt(days, 10, 64)
	if err != nil || found && (n < 0 || strings.HasPrefix(rest, "-")) {
		return 0, errDuration
	}
	whole, err := scaled(n, 24*time.Hour)
	if err != nil || found && rest == "" {
		return whole, err
	}
	part, err := time.ParseDuration(rest)
	if err != nil {
		return 0, errDuration
	}
	return whole + part, nil
}

func scaled(n int64, unit time.Duration) (time.Duration, error) {
	if limit := int64(longest / unit); n < 0 || n > limit {
		return 0, fmt.Errorf("is out of range: a duration is between 0 and %dd", int(longest/(24*time.Hour)))
	}
	return time.Duration(n) * unit, nil
}

// durationText is the shortest form that parseDuration reads back: 336h, not 336h0m0s.
func durationText(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
