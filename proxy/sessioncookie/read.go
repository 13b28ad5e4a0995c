package sessioncookie

import (
	"net/http"
	"slices"
	"strings"
)

const (
	// maxKeys bounds the store calls that one request can cause (RFC 6265bis sections 5.6, 5.7: a sibling host can set
	// further cookies of our name).
	maxKeys = 3
	// minKey is the shortest value that Django takes for a session key (contrib/sessions/backends/base.py _validate_session_key).
	minKey = 8
)

// Keys returns the different values of the session cookie in all Cookie lines of a request, at most three, the one that
// Django would take (the last) first. Values under eight bytes are no keys; [Cookie.Sent] counts them.
//
// Only blanks and tabs around a name are trimmed, unlike in Django: any other white space would let a sibling host
// set a "__Host-" cookie past the browser's own check.
func (c *Cookie) Keys(h http.Header) []string {
	var keys []string
	for _, line := range h["Cookie"] {
		for chunk := range strings.SplitSeq(line, ";") {
			name, value := parsePair(chunk)
			if name == c.opts.Name {
				keys = appendKey(keys, unquote(value))
			}
		}
	}
	slices.Reverse(keys)
	return keys
}

// appendKey keeps the last three different keys in the order of their last place.
func appendKey(keys []string, key string) []string {
	if len(key) < minKey {
		return keys
	}
	if i := slices.Index(keys, key); i >= 0 {
		keys = slices.Delete(keys, i, i+1)
	} else if len(keys) == maxKeys {
		keys = slices.Delete(keys, 0, 1)
	}
	return append(keys, key)
}

// Sent reports whether the request carries the session cookie at all, with whatever value. Django deletes the cookie
// of a request whose session turns out empty (contrib/sessions/middleware.py process_response).
func (c *Cookie) Sent(h http.Header) bool {
	for _, line := range h["Cookie"] {
		for chunk := range strings.SplitSeq(line, ";") {
			if name, _ := parsePair(chunk); name == c.opts.Name {
				return true
			}
		}
	}
	return false
}

// parsePair splits as Django's parse_cookie: at the first "="; a part without "=" is a value without a name.
func parsePair(chunk string) (name, value string) {
	name, value, found := strings.Cut(chunk, "=")
	if !found {
		name, value = "", name
	}
	return strings.Trim(name, " \t"), strings.Trim(value, " \t")
}

// unquote takes the double quotes off a value and resolves backslash escapes, as Python's http.cookies _unquote.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		char, size := unescape(s[i:])
		b.WriteString(char)
		i += size
	}
	return b.String()
}

// unescape reads one character of s, which is not empty, and says how many bytes it took.
func unescape(s string) (string, int) {
	switch {
	case s[0] != '\\' || len(s) == 1:
		return s[:1], 1
	case len(s) >= 4 && '0' <= s[1] && s[1] <= '3' && isOctal(s[2]) && isOctal(s[3]):
		return string(rune(s[1]-'0')<<6 | rune(s[2]-'0')<<3 | rune(s[3]-'0')), 4
	}
	return s[1:2], 2
}

func isOctal(b byte) bool { return '0' <= b && b <= '7' }
