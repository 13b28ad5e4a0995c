package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// exchange is one request and its answer on a connection.
type exchange struct {
	client *Client
	conn   *link
	r      *http.Request
	out    stdout
	unhook func() bool // of the context

	mu       sync.Mutex
	bodyErr  error // of reading the request's body
	sending  bool
	received bool // the answer's header
	ended    bool // the connection is not ours any more
}

func (c *Client) begin(conn *link, r *http.Request) *exchange {
	x := &exchange{client: c, conn: conn, r: r, out: stdout{records: records{in: conn.in}}}
	if show := c.options.Stderr; show != nil {
		x.out.stderr = func(text string) { show(r.Context(), text) }
	}
	x.unhook = context.AfterFunc(r.Context(), func() { conn.Close() })
	return x
}

// headBuffer is for the lines of an answer's header, in bytes. What comes behind is read past it, from the connection's own buffer.
const headBuffer = 512

// chunk is a record of the request's body with room for its header.
type chunk [headerLen + 32<<10]byte

// send writes all but the body, which a goroutine writes that ends with the body or the connection.
func (x *exchange) send(params []Param) error {
	keep := x.client.options.KeepAlive
	out := appendBegin(make([]byte, 0, 4<<10), keep)
	out = appendStream(out, typeParams, appendParams(nil, params))
	out = appendHeader(out, typeParams, 0)
	hasBody := x.r.Body != nil && x.r.Body != http.NoBody
	if !hasBody {
		out = appendHeader(out, typeStdin, 0)
	}
	x.sending = hasBody
	if _, err := x.conn.Write(out); err != nil {
		closeBody(x.r)
		return x.stale(fmt.Errorf("send request: %w", err))
	}
	if hasBody {
		go x.sendBody()
	} else {
		x.sent(nil)
	}
	return nil
}

// sendBody writes the body. An application may answer without reading it all: that the connection takes no more is for the
// answer's reader to find out.
func (x *exchange) sendBody() {
	defer closeBody(x.r)
	buf := x.client.buffers.Get().(*chunk)
	defer x.client.buffers.Put(buf)
	for {
		n, err := x.r.Body.Read(buf[headerLen:])
		if n > 0 {
			appendHeader(buf[:0], typeStdin, n)
			if _, err := x.conn.Write(buf[:headerLen+n]); err != nil {
				return
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			x.sent(&bodyError{err})
			return
		}
	}
	if _, err := x.conn.Write(appendHeader(buf[:0], typeStdin, 0)); err == nil {
		x.sent(nil)
	}
}

// sent starts the wait for the answer's header. A body that could not be read ends the connection: without the end of its
// input the application must not take what it got for all there is.
func (x *exchange) sent(bodyErr error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.sending = false
	if x.bodyErr = bodyErr; bodyErr != nil {
		x.conn.Close()
		return
	}
	if timeout := x.client.options.HeaderTimeout; timeout > 0 && !x.received {
		_ = x.conn.SetReadDeadline(time.Now().Add(timeout))
	}
}

// receive reads the answer's header.
func (x *exchange) receive() (*http.Response, error) {
	if _, err := x.conn.in.Peek(1); err != nil {
		return nil, x.stale(fmt.Errorf("read answer: %w", unexpected(err)))
	}
	if trace := httptrace.ContextClientTrace(x.r.Context()); trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	in := bufio.NewReaderSize(&x.out, headBuffer)
	h, err := readHead(in)
	if err != nil {
		return nil, fmt.Errorf("read header of the answer: %w", err)
	}
	length, err := h.length()
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	x.received = true
	_ = x.conn.SetReadDeadline(time.Time{})
	x.mu.Unlock()
	res := &http.Response{
		StatusCode: h.status, Status: fmt.Sprintf("%03d %s", h.status, h.reason), Header: h.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: length, Request: x.r,
	}
	res.Body = &body{x: x, in: in, left: length}
	if x.r.Method == http.MethodHead || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
		res.Body.Close()
		res.Body = http.NoBody
	}
	return res, nil
}

func (x *exchange) stale(err error) error {
	if x.conn.reused {
		return &staleError{err}
	}
	return err
}

// explain prefers the reason why we ended the connection to the error that followed from it.
func (x *exchange) explain(err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if ctxErr := context.Cause(x.r.Context()); ctxErr != nil {
		return ctxErr
	}
	if x.bodyErr != nil {
		return x.bodyErr
	}
	return err
}

// abort closes the connection.
func (x *exchange) abort() { x.end(false) }

// end gives the connection back when the request is complete on both sides, and closes it otherwise.
func (x *exchange) end(complete bool) {
	unhooked := x.unhook()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.ended = true
	if complete && unhooked && !x.sending && x.bodyErr == nil && x.client.options.KeepAlive {
		x.client.idle.put(x.conn)
		return
	}
	x.conn.Close()
}
