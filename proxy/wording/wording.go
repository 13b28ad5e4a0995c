// Package wording is the one catalogue of what people read: our pages, error answers, the words of JSON answers. A language is
// one file in languages/, named by its BCP 47 tag; English is complete and stands in for what another one lacks.
//
// A line is "key = text". Values stand in braces: "{user}". Of a text that depends on a number there are several, one for each
// plural form that the language has (CLDR: one, few, many, other, …), under "key#form"; the number is the value n.
package wording

import (
	"errors"
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Values are what stands in a text's braces: text, whole numbers, durations, which are put into words, and errors, of which a [Reason] is said in the language.
type Values map[string]any

// Language says texts in one language. It never changes.
type Language struct {
	tag      language.Tag
	texts    map[string]string
	fallback *Language // nil: this is English
}

// Tag is the BCP 47 tag, for lang and Content-Language.
func (l *Language) Tag() string { return l.tag.String() }

// Has reports whether there is a text under key, in English if nowhere else.
func (l *Language) Has(key string) bool {
	_, ok := l.find(key, nil)
	return ok
}

// Say is the text under key with its values. What is no key is a text already, and said as it is.
func (l *Language) Say(key string, values Values) string {
	text, ok := l.find(key, values)
	if !ok {
		text = key
	}
	return fill(text, func(name string) (string, bool) { return l.value(values, name) })
}

// Mark is Say for HTML, with its values emphasized and everything escaped (ASVS 1.2.1).
func (l *Language) Mark(key string, values Values) template.HTML {
	text, ok := l.find(key, values)
	if !ok {
		text = key
	}
	marked := fill(html.EscapeString(text), func(name string) (string, bool) {
		value, ok := l.value(values, name)
		return "<strong>" + html.EscapeString(value) + "</strong>", ok
	})
	return template.HTML(marked) // text and values are escaped above
}

func (l *Language) find(key string, values Values) (string, bool) {
	if text, ok := l.texts[key]; ok {
		return text, true
	}
	if n, ok := values["n"].(int); ok {
		if text, ok := l.texts[key+"#"+l.form(n)]; ok {
			return text, true
		}
	}
	if text, ok := l.texts[key+"#other"]; ok {
		return text, true
	}
	if l.fallback == nil {
		return "", false
	}
	return l.fallback.find(key, values)
}

// form is the plural form of a whole number (CLDR).
func (l *Language) form(n int) string {
	if n < 0 {
		n = -n
	}
	return formName(plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0))
}

func formName(f plural.Form) string {
	switch f {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

func (l *Language) value(values Values, name string) (string, bool) {
	switch v := values[name].(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case time.Duration:
		return l.Duration(v), true
	case error:
		var reason *Reason
		if errors.As(v, &reason) {
			return reason.In(l), true
		}
		return v.Error(), true
	default:
		return fmt.Sprint(v), true
	}
}

// fill replaces {name} by what value says; braces that name nothing stay as they are.
func fill(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		said, known := value(name)
		if !closed || !known {
			b.WriteByte('{')
			text = rest
			continue
		}
		b.WriteString(said)
		text = after
	}
}
