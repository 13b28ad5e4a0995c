package lane

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// held is how much of a body waits for the handler's end, so that its length can be told (net/http bufferBeforeChunkingSize).
	held = 2 << 10
	// copied is how large a part of a body may be to be copied behind what waits to be sent; larger ones are sent from where they are.
	copied = 8 << 10
	// maxKept is how large a buffer is kept for the next request.
	maxKept = 32 << 10
)

// buffer is what is on its way to a client.
type buffer struct {
	out  []byte
	body [held]byte // before it is known how it will be framed
	used int        // of body
}

// buffers are shared by all connections: one that waits for a request has none.
var buffers = sync.Pool{New: func() any { return &buffer{out: make([]byte, 0, 4<<10)} }}

// answer is the [http.ResponseWriter] of one request; it writes what net/http's would. Transfer-Encoding alone is not a handler's to
// choose. It belongs to one goroutine at a time.
type answer struct {
	conn   *conn
	out    *buffer // nil: the handler has returned
	header http.Header
	head   bool // the request is
	close  bool // the connection ends with the answer

	status   int // 0: not yet
	length   int64
	written  int64
	extra    extra
	begun    bool // the head is complete
	chunked  bool
	trailers []string // announced
	err      error    // of the connection
	hijacked bool
}

// extra are the fields that are added at the end of the head, when the body begins.
type extra struct {
	date, sniff, closing, noLength bool
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// TakeHeader makes h the header, where there is none yet, and reports whether it did: then h is the writer's.
func (a *answer) TakeHeader(h http.Header) bool {
	if len(a.header) > 0 {
		return false
	}
	a.header = h
	return true
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || a.hijacked || a.out == nil {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) // as net/http does
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		a.statusLine(status)
		a.writeFields(func(name string) bool { return name == "Content-Length" || name == "Transfer-Encoding" })
		a.out.out = append(a.out.out, "\r\n"...)
		a.send(nil)
		return
	}
	a.status = status
	a.readLength()
	a.writeHead()
}

func (a *answer) readLength() {
	lines := a.header["Content-Length"]
	if len(lines) == 0 || lines[0] == "" {
		return
	}
	n, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil || n < 0 {
		logf(a.conn.lane.server.ErrorLog, "http: invalid Content-Length of %q", lines[0])
		delete(a.header, "Content-Length")
		return
	}
	a.length = n
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	switch {
	case a.hijacked:
		return 0, http.ErrHijacked
	case a.out == nil:
		return 0, http.ErrHandlerTimeout
	case a.status == 0:
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case !bodyAllowed(a.status):
		return 0, http.ErrBodyNotAllowed
	}
	if a.written += int64(len(p)); a.length >= 0 && a.written > a.length {
		return 0, http.ErrContentLength
	}
	rest := p
	if !a.begun && (a.length < 0 || a.extra.sniff) {
		n := copy(a.out.body[a.out.used:], p)
		a.out.used += n
		if rest = p[n:]; len(rest) == 0 {
			return len(p), a.err
		}
	}
	a.begin(rest, false)
	a.emit(rest)
	return len(p), a.err
}

// begin completes the head, with what is known of the body: what was held and, if that is nothing, its first part.
func (a *answer) begin(first []byte, done bool) {
	if a.begun {
		return
	}
	a.begun = true
	body := a.out.body[:a.out.used]
	a.out.used = 0
	if len(body) > 0 {
		first = body
	}
	a.endHead(first, done)
	a.emit(body)
}

// emit frames a part of the body.
func (a *answer) emit(p []byte) {
	if a.head || len(p) == 0 || a.err != nil {
		return
	}
	b := a.out.out
	if a.chunked {
		b = append(strconv.AppendInt(b, int64(len(p)), 16), "\r\n"...)
	}
	if len(p) <= copied {
		a.out.out = append(b, p...)
	} else {
		a.out.out = b
		a.send(p)
	}
	if a.chunked {
		a.out.out = append(a.out.out, "\r\n"...)
	}
	if len(a.out.out) > 2*copied {
		a.send(nil)
	}
}

// send sends what waits, and then p.
func (a *answer) send(p []byte) {
	b := a.out.out
	a.out.out = b[:0]
	if a.err != nil || len(b)+len(p) == 0 {
		return
	}
	if len(p) == 0 {
		_, a.err = a.conn.rwc.Write(b)
	} else {
		parts := net.Buffers{b, p}
		_, a.err = parts.WriteTo(a.conn.rwc)
	}
	if a.err != nil {
		a.conn.watch.giveUp()
	}
}

// FlushError is what [http.ResponseController] calls.
func (a *answer) FlushError() error {
	if a.hijacked {
		return http.ErrHijacked
	}
	if a.out == nil {
		return http.ErrHandlerTimeout
	}
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	a.begin(nil, false)
	a.send(nil)
	return a.err
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { _ = a.FlushError() }

// finish sends what is left and reports whether the connection can have another request.
func (a *answer) finish() bool {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	a.begin(nil, true)
	if a.chunked && !a.head {
		a.out.out = append(a.out.out, "0\r\n"...)
		a.writeTrailers()
		a.out.out = append(a.out.out, "\r\n"...)
	}
	a.send(nil)
	if !a.head && a.length >= 0 && bodyAllowed(a.status) && a.length != a.written {
		return false
	}
	return a.err == nil && !a.close && !a.conn.lane.draining.Load()
}

// SetReadDeadline is what [http.ResponseController] calls.
func (a *answer) SetReadDeadline(t time.Time) error {
	a.conn.idleFrom = time.Time{}
	return a.conn.rwc.SetReadDeadline(t)
}

// SetWriteDeadline is what [http.ResponseController] calls. It holds for this answer.
func (a *answer) SetWriteDeadline(t time.Time) error {
	a.conn.hurried = true
	return a.conn.rwc.SetWriteDeadline(t)
}

// EnableFullDuplex is what [http.ResponseController] calls: there is no body that could be in the way.
func (a *answer) EnableFullDuplex() error { return nil }

// Hijack implements [http.Hijacker].
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if a.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if a.begun {
		a.send(nil)
	}
	a.conn.watch.end()
	a.hijacked = true
	rwc := a.conn.rwc
	_ = rwc.SetDeadline(time.Time{})
	if len(a.conn.buf) > 0 {
		rwc = &prefixed{Conn: rwc, prefix: a.conn.buf}
	}
	return rwc, bufio.NewReadWriter(bufio.NewReader(rwc), bufio.NewWriter(rwc)), nil
}

// bodyAllowed is RFC 9110 6.4.1.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func hasToken(list, token string) bool {
	for member := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(member, " \t"), token) {
			return true
		}
	}
	return false
}
