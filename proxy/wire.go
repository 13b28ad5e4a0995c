package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"

	"coatcheck/proxy/wording"
)

// wire is a connection that remembers the header block of the request that is being read. net/http drops the
// Content-Length of a chunked request, and the Transfer-Encoding of an HTTP/1.0 one, before any handler can see that there
// were both (transfer.go): the marks of request smuggling. Where they cannot be seen, under TLS and in pipelined requests, the
// connection ends after such a request instead (closeAfter), so nothing is ever read as a second one.
type wire struct {
	net.Conn

	mu       sync.Mutex // net/http reads ahead while a handler runs
	watching bool
	head     []byte
	ahead    []byte // of the next request, read while this one was served
}

type wireKey struct{}

// WatchedListener returns l for a [NewServer]: with it, requests that name two framings are refused; without it, their connections only
// end after the answer. Connections of a TLS listener stay what they are, as net/http wants to see them.
func WatchedListener(l net.Listener) net.Listener { return wireListener{l} }

type wireListener struct{ net.Listener }

// Accept implements [net.Listener].
func (l wireListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if _, ok := conn.(*tls.Conn); ok {
		return conn, nil
	}
	return &wire{Conn: conn, watching: true}, nil
}

// Read implements [net.Conn].
func (c *wire) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.watching && n > 0:
		c.head = append(c.head, p[:n]...)
		c.watching = len(c.head) <= maxHeader
	case len(p) == 1 && n == 1: // net/http server.go backgroundRead: a fast client is ahead of our StateIdle
		c.ahead = append(c.ahead[:0], p[0])
	}
	return n, err
}

// CloseWrite is what net/http and httputil look for, to end one direction.
func (c *wire) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func withWire(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*wire); ok {
		return context.WithValue(ctx, wireKey{}, c)
	}
	return ctx
}

// watchWire: a request has been read when its connection becomes active, and the next one begins when it becomes idle.
func watchWire(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*wire)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateActive:
		c.watching = false
	case http.StateIdle:
		c.watching, c.head = true, c.head[:0]
		if cap(c.head) > 4<<10 {
			c.head = nil // one large header must not cost memory for the life of the connection
		}
		c.head, c.ahead = append(c.head, c.ahead...), c.ahead[:0]
	case http.StateHijacked, http.StateClosed:
		c.watching, c.head = false, nil
	}
}

// twoFramings finds the request that names two ways to tell where it ends, or one that its version does not have
// (RFC 9112 6.1).
func twoFramings(r *http.Request) error {
	c, ok := r.Context().Value(wireKey{}).(*wire)
	if !ok || !closeAfter(r) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch length, coding := framing(c.head, startOf(r)); {
	case coding && r.ProtoMinor == 0:
		return wording.Because("reason.old-encoding", nil)
	case coding && length:
		return wording.Because("reason.two-framings", nil)
	}
	return nil
}

func startOf(r *http.Request) string { return r.Method + " " + r.RequestURI + " " }

// framing looks for the two fields in the header block at the start of head.
func framing(head []byte, start string) (length, coding bool) {
	for name := range fieldsIn(head, start) {
		length = length || strings.EqualFold(string(name), "Content-Length")
		coding = coding || strings.EqualFold(string(name), "Transfer-Encoding")
	}
	return length, coding
}

// fieldsIn yields the lines of the header block at the start of head, if it is the one that begins with start: of a pipelined request, a part
// was read before the watch began.
func fieldsIn(head []byte, start string) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		head := bytes.TrimLeft(head, "\r\n")
		if !bytes.HasPrefix(head, []byte(start)) {
			return
		}
		for line := range bytes.SplitSeq(head, []byte("\n")) {
			if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
				return
			}
			if name, value, _ := bytes.Cut(line, []byte(":")); !yield(name, value) {
				return
			}
		}
	}
}

// hostField is the Host that r was sent with; net/http keeps that of an absolute target in its place. Empty: it cannot be seen.
func hostField(r *http.Request) (host string) {
	c, ok := r.Context().Value(wireKey{}).(*wire)
	if !ok {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, value := range fieldsIn(c.head, startOf(r)) {
		if strings.EqualFold(string(name), "Host") {
			host = string(bytes.Trim(value, " \t")) // net/http has refused a second one
		}
	}
	return host
}
