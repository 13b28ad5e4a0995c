package wording

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxAccepted is what is looked at of Accept-Language, in bytes; browsers send some fifty.
const maxAccepted = 512

// English is the language that everything is said in where nothing else is asked for.
func English() *Language { return loaded().languages[0] }

// Languages are all there are, English first.
func Languages() []*Language { return slices.Clone(loaded().languages) }

// For is the language that a client understands best (RFC 9110 12.5.4).
func For(h http.Header) *Language {
	line := strings.Join(h["Accept-Language"], ",")
	if line == "" || len(line) > maxAccepted {
		return English()
	}
	wanted, _, err := language.ParseAcceptLanguage(line)
	if err != nil || len(wanted) == 0 {
		return English()
	}
	c := loaded()
	_, i, confidence := c.matcher.Match(wanted...)
	if confidence == language.No {
		return English()
	}
	return c.languages[i]
}

// Announce says in the header of an answer what language it is in, and that another one may get another.
func (l *Language) Announce(h http.Header) {
	h.Set("Content-Language", l.Tag())
	for _, line := range h["Vary"] {
		if strings.Contains(line, "Accept-Language") || strings.TrimSpace(line) == "*" {
			return
		}
	}
	h.Add("Vary", "Accept-Language")
}
