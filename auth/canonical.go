package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxLogin is the longest login name looked at, in characters: Django's login form asks for 150 for its own user table, and for
// as many as the column has (254 for an e-mail address) for others.
const maxLogin = 254

// CanonicalLogin is what Django's login form makes of a typed name: white space off both ends, then NFKC (contrib/auth/forms.py
// UsernameField). It reports false for what cannot be anybody's name: nothing, NUL, invalid UTF-8, too long.
func CanonicalLogin(typed string) (string, bool) {
	login := strings.TrimFunc(typed, isSpace)
	if login == "" || !utf8.ValidString(login) || strings.ContainsRune(login, 0) || utf8.RuneCountInString(login) > maxLogin {
		return "", false
	}
	return norm.NFKC.String(login), true
}

// isSpace is Python's str.isspace: Unicode's white space and the four information separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
