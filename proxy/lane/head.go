package lane

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// field is a header field with all its lines.
type field struct {
	name   string
	values []string
}

// sorted are the fields of h in the order of their names, without those that are left out. It is valid until the next call.
func (c *conn) sorted(h http.Header, leaveOut func(name string) bool) []field {
	list := c.fields[:0]
	for name, values := range h {
		if leaveOut(name) || !validName(name) {
			continue
		}
		at := len(list)
		for at > 0 && list[at-1].name > name {
			at--
		}
		list = append(list, field{})
		copy(list[at+1:], list[at:])
		list[at] = field{name, values}
	}
	c.fields = list
	return list
}

func (a *answer) statusLine(status int) {
	b := strconv.AppendInt(append(a.out.out, "HTTP/1.1 "...), int64(status), 10)
	b = append(b, ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else { // net/http server.go writeStatusLine
		b = strconv.AppendInt(append(b, "status code "...), int64(status), 10)
	}
	a.out.out = append(b, "\r\n"...)
}

func (a *answer) writeFields(leaveOut func(name string) bool) {
	b := a.out.out
	for _, f := range a.conn.sorted(a.header, leaveOut) {
		for _, value := range f.values {
			b = append(append(b, f.name...), ": "...)
			b = append(appendValue(b, value), "\r\n"...)
		}
	}
	a.out.out = b
	clear(a.conn.fields)
}

// appendValue is net/http's: no line can be begun, no blanks are at the ends.
func appendValue(b []byte, value string) []byte {
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = strings.NewReplacer("\n", " ", "\r", " ").Replace(value)
	}
	return append(b, textproto.TrimString(value)...)
}

// writeHead writes what is known of the head when the status is: the rest is added by endHead (net/http server.go chunkWriter.writeHeader).
func (a *answer) writeHead() {
	h := a.header
	connection := first(h, "Connection")
	draining := a.conn.lane.draining.Load()
	a.close = a.close || draining || connection == "close"
	a.extra.closing = a.close && (draining || !hasToken(connection, "close"))
	_, dated := h["Date"]
	_, typed := h["Content-Type"]
	_, measured := h["Content-Length"]
	a.extra.date, a.extra.noLength = !dated, !measured
	a.extra.sniff = bodyAllowed(a.status) && !typed && first(h, "Content-Encoding") == ""
	a.announce()
	a.statusLine(a.status)
	a.writeFields(func(name string) bool {
		switch name {
		case "Transfer-Encoding":
			return true
		case "Content-Length":
			return !bodyAllowed(a.status)
		case "Content-Type":
			return a.status == http.StatusNotModified
		case "Connection":
			return a.extra.closing
		}
		return strings.HasPrefix(name, http.TrailerPrefix)
	})
}

// endHead adds what depends on the body, whose first bytes are given. done: they are all.
func (a *answer) endHead(body []byte, done bool) {
	b := a.out.out
	if a.extra.date {
		b = append(append(append(b, "Date: "...), a.conn.lane.dates.now()...), "\r\n"...)
	}
	if done && a.extra.noLength && a.trailers == nil && bodyAllowed(a.status) && (!a.head || len(body) > 0) {
		a.length = int64(len(body))
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), a.length, 10), "\r\n"...)
	}
	if a.extra.sniff && len(body) > 0 {
		b = append(append(append(b, "Content-Type: "...), http.DetectContentType(body)...), "\r\n"...)
	}
	if a.extra.closing {
		b = append(b, "Connection: close\r\n"...)
	}
	if !a.head && bodyAllowed(a.status) && a.length < 0 {
		a.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	a.out.out = append(b, "\r\n"...)
}

// announce notes that there will be trailers: those of the field Trailer, and others by [http.TrailerPrefix].
func (a *answer) announce() {
	for name := range a.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			a.trailers = []string{}
		}
	}
	for _, line := range a.header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(textproto.TrimString(name)); validTrailer(name) {
				a.trailers = append(a.trailers, name)
			}
		}
	}
}

func (a *answer) writeTrailers() {
	trailers := http.Header{}
	for name, values := range a.header {
		if bare, found := strings.CutPrefix(name, http.TrailerPrefix); found {
			trailers[bare] = values
		}
	}
	for _, name := range a.trailers {
		trailers[name] = append(trailers[name], a.header[name]...)
	}
	a.header = trailers
	a.writeFields(func(string) bool { return false })
}

// validTrailer: fields that say how to read the message cannot come after it (RFC 9110 6.5.1, golang.org/x/net/http/httpguts).
func validTrailer(name string) bool {
	if strings.HasPrefix(name, "If-") {
		return false
	}
	switch name {
	case "", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Expect", "Host", "Keep-Alive",
		"Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Realm", "Te", "Trailer", "Transfer-Encoding", "Www-Authenticate":
		return false
	}
	return true
}

func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// validName: other names are left out of an answer, as by net/http.
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; classes[c]&inName == 0 && (c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0) {
			return false
		}
	}
	return name != ""
}
