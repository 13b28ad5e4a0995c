package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing wrong with the configuration, or, among Config.Warnings, worth a second look.
type Problem struct {
	Key     string // as in the documentation: session.cookie_age, routes[0].access; empty for the file as a whole
	Source  string // the file, the environment variable or the flag it stands in; empty for a default
	Line    int    // of the file, from 1; 0 where there is none
	Value   string // as written, shortened, quoted; never a secret's
	Text    string // what is wrong and what is allowed
	Nearest string // the valid key that was probably meant
}

// String is one line: place, key, value, what to do.
func (p Problem) String() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	if p.Value != "" {
		b.WriteString(p.Value + " ")
	}
	b.WriteString(p.Text)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %s?", p.Nearest)
	}
	return b.String()
}

// Problems is every problem found, by line of the file, then by environment variable and flag. It is the error of [Load].
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	rank := func(p Problem) int {
		switch {
		case p.Line > 0:
			return 0
		case strings.HasPrefix(p.Source, "--"):
			return 2
		default:
			return 1
		}
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(rank(a)-rank(b), a.Line-b.Line, strings.Compare(a.Source, b.Source), strings.Compare(a.Key, b.Key))
	})
}

const shownValue = 80 // characters of a value that a message repeats

// A password in a URL is a secret wherever the URL stands. The mask reaches to the last @: passwords hold slashes too.
var userInfo = regexp.MustCompile(`//.*@`)

// shown quotes a value for a message, without control characters and without the password of a URL.
func shown(value string) string {
	value = userInfo.ReplaceAllString(value, "//"+masked+"@")
	if runes := []rune(value); len(runes) > shownValue {
		value = string(runes[:shownValue]) + "…"
	}
	return fmt.Sprintf("%q", value)
}
