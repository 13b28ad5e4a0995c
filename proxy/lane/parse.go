package lane

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

const (
	// firstRead is the room for a request's head at first, maxHead the most; longer ones are net/http's, with its limits.
	firstRead = 4 << 10
	maxHead   = 16 << 10
	// roomForOurs are fields that handlers add to the header map, less two lines that are no fields of it: Host and the empty one.
	roomForOurs = 6
)

// endOfHead is where a head ends.
const endOfHead = "\r\n\r\n"

// begins reports whether a head that begins so may be one of ours.
func begins(read []byte) bool {
	return prefixOf(read, "GET /") || prefixOf(read, "HEAD /")
}

// bareLF: a line that ends without a carriage return, which net/http takes.
func bareLF(read []byte) bool {
	for i := 0; ; i++ {
		next := bytes.IndexByte(read[i:], '\n')
		if next < 0 {
			return false
		}
		if i += next; i == 0 || read[i-1] != '\r' {
			return true
		}
	}
}

// prefixOf: as far as both go, they are the same.
func prefixOf(read []byte, start string) bool {
	n := min(len(read), len(start))
	return string(read[:n]) == start[:n]
}

// Classes of bytes.
const (
	inTarget = 1 << iota // printable ASCII but the blank
	inName               // letters, digits and the dash
	inValue              // printable ASCII and the tab
	inHost               // what every reader takes for an authority
)

var classes = classTable()

func classTable() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case 'a' <= b|0x20 && b|0x20 <= 'z', '0' <= b && b <= '9', b == '-':
			t[c] = inTarget | inName | inValue | inHost
		case b == '.', b == ':', b == '_', b == '[', b == ']':
			t[c] = inTarget | inValue | inHost
		case b > ' ' && b < 0x7f:
			t[c] = inTarget | inValue
		case b == ' ', b == '\t':
			t[c] = inValue
		}
	}
	return t
}

func all(s string, class byte) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// parse reads head, which ends in an empty line. False: it is not one of the plain ones, whatever else it may be.
func parse(head string) (http.Request, bool) {
	r := http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
	line, rest, _ := strings.Cut(head, "\r\n")
	method, line, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(line, " ")
	if method != http.MethodGet && method != http.MethodHead || target == "" || target[0] != '/' || !all(target, inTarget) || proto != r.Proto {
		return r, false
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return r, false
	}
	r.Method, r.RequestURI, r.URL = method, target, u
	return r, readFields(&r, rest)
}

// readFields reads the lines up to the empty one.
func readFields(r *http.Request, lines string) bool {
	count := strings.Count(lines, "\n")
	r.Header = make(http.Header, count+roomForOurs)
	values := make([]string, 0, count)
	for lines != "\r\n" {
		line, rest, _ := strings.Cut(lines, "\r\n")
		name, value, found := strings.Cut(line, ":")
		if !found || name == "" || !all(name, inName) || !all(value, inValue) {
			return false
		}
		lines, name, value = rest, textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		if name == "Host" {
			if r.Host != "" || value == "" || !all(value, inHost) {
				return false
			}
			r.Host = value
			continue
		}
		if before, again := r.Header[name]; again {
			if name == "Connection" {
				return false
			}
			r.Header[name] = append(before, value)
			continue
		}
		values = append(values, value)
		r.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return r.Host != "" && settle(r)
}

// notOurs are fields with a meaning for the connection or the body: net/http knows what to do with them.
var notOurs = [...]string{"Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "Te", "Trailer", "Http2-Settings"}

// settle does what net/http does with what the fields say.
func settle(r *http.Request) bool {
	for _, name := range notOurs {
		if _, there := r.Header[name]; there {
			return false
		}
	}
	if option, there := r.Header["Connection"]; there {
		r.Close = strings.EqualFold(option[0], "close")
		if !r.Close && !strings.EqualFold(option[0], "keep-alive") {
			return false
		}
	}
	// net/http request.go fixPragmaCacheControl.
	if pragma := r.Header["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" {
		if _, says := r.Header["Cache-Control"]; !says {
			r.Header["Cache-Control"] = []string{"no-cache"}
		}
	}
	return true
}
