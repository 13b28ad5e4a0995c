package proxy

import "strings"

// structural are the bytes that mean something in a path when they stand for themselves.
const structural = `/\;?#%`

// decode resolves the valid percent escapes of s once, but not those of a byte in keep.
func decode(s, keep string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i] == '%' && isHex(s[i+1]) && isHex(s[i+2]) {
			if c := unhex(s[i+1])<<4 | unhex(s[i+2]); strings.IndexByte(keep, c) < 0 {
				out = append(out, c)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// backslashes: IIS, and Windows file systems below an application.
func backslashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

// withoutParams: servlet containers drop ";…" of each segment before they map a path, so "..;" is "..".
func withoutParams(s string) string { return eachSegment(s, ';', beforeSemicolon) }

func beforeSemicolon(segment string) string {
	before, _, _ := strings.Cut(segment, ";")
	return before
}

// cutAtDelimiter: a decoded "?" or "#" ends the path where an application puts the URL together again.
func cutAtDelimiter(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// mergeSlashes: nginx merge_slashes, Apache, and most file systems.
func mergeSlashes(s string) string {
	if !strings.Contains(s, "//") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] != '/' || i == 0 || s[i-1] != '/' {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// resolveDots is remove_dot_segments of RFC 3986 5.2.4; an empty segment is a segment.
func resolveDots(s string) string {
	if !strings.Contains(s, "/.") {
		return s
	}
	var out []string
	segments := strings.Split(s[1:], "/")
	for i, segment := range segments {
		dots := segment == "." || segment == ".."
		if segment == ".." && len(out) > 0 {
			out = out[:len(out)-1]
		}
		switch {
		case !dots:
			out = append(out, segment)
		case i == len(segments)-1:
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}

// trimSegments: Windows forgets dots and spaces at the end of a name.
func trimSegments(s string) string {
	if !strings.ContainsAny(s, ". ") {
		return s
	}
	return eachSegment(s, 0, trimSegment)
}

func trimSegment(segment string) string {
	if t := strings.TrimRight(segment, " "); t == "." || t == ".." {
		return t
	}
	return strings.TrimRight(segment, ". ")
}

// eachSegment applies f to each segment of s; nothing to do where s lacks trigger (0: always).
func eachSegment(s string, trigger byte, f func(string) string) string {
	if trigger != 0 && strings.IndexByte(s, trigger) < 0 {
		return s
	}
	segments := strings.Split(s, "/")
	for i := range segments {
		segments[i] = f(segments[i])
	}
	return strings.Join(segments, "/")
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// hasOverlong looks for a character written in more bytes than it needs, which lax decoders take for an ASCII one. Other
// bytes that are not UTF-8 pass: legacy applications have Latin-1 paths.
func hasOverlong(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		lead, next := s[i], s[i+1]
		switch {
		case next&0xc0 != 0x80:
		case lead == 0xc0, lead == 0xc1, lead == 0xe0 && next < 0xa0, lead == 0xf0 && next < 0x90:
			return true
		}
	}
	return false
}
