package direct

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// framing is what the header of an answer says about where its body ends.
type framing struct {
	length  int64 // -1: unknown
	chunked bool
	close   bool // the connection ends with the answer
}

const version = "HTTP/1.1"

// parse reads the header of an answer of the plainest form into a: status line and fields as RFC 9112 2.1 has them, ended by CRLF,
// with one way to find the end of the body at most. ok is false for everything else, which is none of its business, nor then is a.
// The strings in a share the block's memory.
func parse(block string, a *http.Response) (f framing, ok bool) {
	line, rest, ok := cutLine(block)
	if !ok || !parseStatus(line, a) {
		return f, false
	}
	fields := strings.Count(rest, "\n") - 1
	values := make([]string, fields) // of names that come once, cut into slices of one
	a.Header = make(http.Header, fields)
	f.length = -1
	for rest != "\r\n" {
		if line, rest, ok = cutLine(rest); !ok {
			return f, false
		}
		name, value, ok := cutField(line)
		if !ok || !f.note(name, value) {
			return f, false
		}
		if all, again := a.Header[name]; again {
			a.Header[name] = append(all, value)
			continue
		}
		values[0] = value
		a.Header[name], values = values[:1:1], values[1:]
	}
	return f, f.settle(a)
}

func cutLine(s string) (line, rest string, ok bool) {
	n := strings.IndexByte(s, '\n')
	if n < 1 || s[n-1] != '\r' {
		return "", "", false
	}
	return s[:n-1], s[n+1:], true
}

// parseStatus reads a line such as "HTTP/1.1 404 Not Found".
func parseStatus(line string, a *http.Response) bool {
	const start = len(version) + 1
	if len(line) < start+3 || line[:start] != version+" " || len(line) > start+3 && line[start+3] != ' ' || !validValue(line) {
		return false
	}
	code := 0
	for _, c := range []byte(line[start : start+3]) {
		if c < '0' || c > '9' {
			return false
		}
		code = code*10 + int(c-'0')
	}
	a.Status, a.StatusCode, a.Proto, a.ProtoMajor, a.ProtoMinor = line[start:], code, version, 1, 1
	return code >= 100
}

// cutField gives the canonical name and the value of a field.
func cutField(line string) (name, value string, ok bool) {
	canonical, upper := true, true
	end := 0
	for ; end < len(line) && isToken(line[end]); end++ {
		c := line[end]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			canonical = false
		}
		upper = c == '-'
	}
	if end == 0 || end == len(line) || line[end] != ':' {
		return "", "", false
	}
	name, value = line[:end], strings.Trim(line[end+1:], " \t")
	if !canonical {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	return name, value, validValue(value)
}

// note looks at a field that concerns the connection or the body; it reports false where there may be two opinions about it.
func (f *framing) note(name, value string) bool {
	switch name {
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || f.length >= 0 || f.chunked {
			return false
		}
		f.length = int64(n)
	case "Transfer-Encoding":
		if !isWord(value, "chunked") || f.chunked || f.length >= 0 {
			return false
		}
		f.chunked = true
	case "Connection":
		for option := range strings.SplitSeq(value, ",") {
			f.close = f.close || isWord(strings.Trim(option, " \t"), "close")
		}
	}
	return true
}

// isWord compares without case, ASCII alone: what folds to it from elsewhere in Unicode is longer.
func isWord(s, word string) bool { return len(s) == len(word) && strings.EqualFold(s, word) }

// settle changes the header as net/http does for all clients, and reports false where it says more of a body than there can be.
func (f *framing) settle(a *http.Response) bool {
	h := a.Header
	if f.close {
		delete(h, "Connection")
	}
	if cautious := h["Pragma"]; len(cautious) > 0 && cautious[0] == "no-cache" && h["Cache-Control"] == nil {
		h["Cache-Control"] = []string{"no-cache"} // RFC 9111 5.4
	}
	switch {
	case a.StatusCode < 200, a.StatusCode == http.StatusNoContent: // RFC 9110 8.6, RFC 9112 6.1
		return !f.chunked && f.length <= 0
	case a.StatusCode == http.StatusNotModified:
		return !f.chunked
	case f.chunked:
		delete(h, "Transfer-Encoding")
		return f.announce(a)
	}
	return true
}

// announce makes trailers of the names in the field Trailer.
func (f *framing) announce(a *http.Response) bool {
	for _, value := range a.Header["Trailer"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); name == "" {
				continue
			}
			if isOurs(name) {
				return false
			}
			if a.Trailer == nil {
				a.Trailer = http.Header{}
			}
			a.Trailer[name] = nil
		}
	}
	delete(a.Header, "Trailer")
	return true
}
