package portal

import (
	"strings"
	"unicode/utf8"
)

// maxNext is Django's limit (utils/http.py MAX_URL_LENGTH), here in bytes.
const maxNext = 2048

// safeNext returns where a visitor may be sent after a login or logout, ready for a Location header. It accepts a path of this
// host, alone or after one of origins ("https://app.example.com"), which are compared byte by byte.
//
// Stricter than Django's url_has_allowed_host_and_scheme: Go, Django and browsers each read "https:/evil.example",
// "/\evil.example" and "/<TAB>/evil.example" in their own way, so whatever is not plainly a path is refused (ASVS 3.7.2).
func safeNext(raw string, origins []string) (string, bool) {
	if len(raw) > maxNext || !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "", false
	}
	origin, path := cutOrigin(raw, origins)
	if !strings.HasPrefix(path, "/") || namesHost(path) {
		return "", false
	}
	return origin + escapeURI(path), true
}

// cutOrigin takes one of origins off the front of raw. What follows must be a path.
func cutOrigin(raw string, origins []string) (origin, path string) {
	for _, o := range origins {
		if rest, found := strings.CutPrefix(raw, o); found && rest == "" {
			return o, "/"
		} else if found && rest[0] == '/' {
			return o, rest
		}
	}
	return "", raw
}

// namesHost reports whether a path could be read as "//host" by somebody further on, who decodes it (up to three times), drops
// control bytes, takes "\" for "/" or resolves dots, and then redirects to what he made of it.
func namesHost(path string) bool {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	for range 4 {
		cleaned := cleanSlashes(path)
		if strings.HasPrefix(cleaned, "//") || strings.HasPrefix(resolveDots(cleaned), "//") {
			return true
		}
		path = decodePercent(path)
	}
	return false
}

func cleanSlashes(path string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\\':
			return '/'
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, path)
}

// resolveDots resolves "." and ".." as browsers do: empty segments count, and a dot segment at the end leaves its slash.
func resolveDots(path string) string {
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		dots := segment == "." || segment == ".."
		if segment == ".." {
			kept = kept[:max(0, len(kept)-1)]
		}
		if !dots {
			kept = append(kept, segment)
		} else if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// decodePercent decodes what can be decoded and leaves the rest, as lenient readers do.
func decodePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := percentByte(s[i:]); ok {
			b.WriteByte(c)
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func percentByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// escapeURI percent-encodes what no URI may hold (Django's iri_to_uri): the rest, also "%", stays as it is.
func escapeURI(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f && strings.IndexByte("\"<>\\^`{|}", c) < 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}
