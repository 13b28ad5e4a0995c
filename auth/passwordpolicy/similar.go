package passwordpolicy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"coatcheck/auth"
)

// maxSimilarity is Django's.
const maxSimilarity = 0.7

// similar names the first attribute that a password in lower case is too much like, as a whole or in one of its words
// (UserAttributeSimilarityValidator).
func similar(password string, u auth.User) string {
	for _, attribute := range []struct{ name, value string }{
		{"username", u.Username}, {"first_name", u.FirstName}, {"last_name", u.LastName}, {"email", u.Email},
	} {
		if attribute.value == "" {
			continue
		}
		value := cases.Lower(language.Und).String(attribute.value)
		for _, part := range append(strings.FieldsFunc(value, notWord), value) {
			if !outOfProportion(password, part) && quickRatio(password, part) >= maxSimilarity {
				return attribute.name
			}
		}
	}
	return ""
}

// notWord is \W of Python's re.
func notWord(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// outOfProportion is Django's exceeds_maximum_length_ratio.
func outOfProportion(password, value string) bool {
	n, m := utf8.RuneCountInString(password), utf8.RuneCountInString(value)
	return n >= 10*m && float64(m) < maxSimilarity/2*float64(n)
}

// quickRatio is difflib's SequenceMatcher.quick_ratio: the share of characters that both have, whatever their order.
func quickRatio(a, b string) float64 {
	available := map[rune]int{}
	for _, r := range b {
		available[r]++
	}
	matches := 0
	for _, r := range a {
		if available[r] > 0 {
			matches++
			available[r]--
		}
	}
	length := utf8.RuneCountInString(a) + utf8.RuneCountInString(b)
	if length == 0 {
		return 1
	}
	return 2 * float64(matches) / float64(length)
}
