package lane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
)

// Phases of a connection.
const (
	isFresh  int32 = iota // no request yet
	isIdle                // waits for the next
	isServed              // a request is being served, or its head is being read
)

// peeked is how much of a further request has to be there before net/http takes it for one (server.go conn.serve), in bytes.
const peeked = 4

// deadlineSlack is how late an idle connection may be closed: its deadline is not set anew more often.
const deadlineSlack = time.Second

// conn is one connection in the lane. But where something else is said, its own goroutine alone has to do with it.
type conn struct {
	lane  *Lane
	rwc   net.Conn
	base  context.Context // of all its requests
	peer  string
	phase atomic.Int32

	buf      []byte    // what was read and is not served
	idleFrom time.Time // since when the read deadline is that of an idle connection; zero: it is another
	fields   []field   // room for sorting
	hurried  bool      // there is a write deadline
	watch    watch
}

// connContext answers what handlers ask of net/http's.
type connContext struct {
	context.Context
	server *http.Server
	local  net.Addr
}

// Value implements [context.Context].
func (c *connContext) Value(key any) any {
	switch key {
	case http.LocalAddrContextKey:
		return c.local
	case http.ServerContextKey:
		return c.server
	}
	return nil
}

// requestContext is the context of one request. Whoever has it from the request may end it, without the price of a context of one's own.
type requestContext struct {
	context.Context
	cancel context.CancelCauseFunc
}

// CancelCause ends the context.
func (c *requestContext) CancelCause(cause error) { c.cancel(cause) }

func newConn(l *Lane, rwc net.Conn) *conn {
	c := &conn{lane: l, rwc: rwc}
	c.watch.init(c)
	return c
}

// serve serves requests until the connection ends or is not for us.
func (c *conn) serve() {
	defer c.lane.leave(c)
	defer c.survive()
	if peer := c.rwc.RemoteAddr(); peer != nil { // by the PROXY protocol, this reads
		c.peer = peer.String()
	}
	c.base = &connContext{context.Background(), c.lane.server, c.rwc.LocalAddr()}
	for {
		r, status := c.next()
		switch status {
		case foreign:
			_ = c.rwc.SetReadDeadline(time.Time{})
			c.lane.handOver(c.rwc, c.buf, c.rwc.LocalAddr())
			return
		case over:
			c.rwc.Close()
			return
		}
		if again, hijacked := c.answer(r); hijacked {
			return
		} else if !again {
			c.rwc.Close()
			return
		}
	}
}

// status is what became of waiting for a request.
type status int

const (
	ours status = iota
	foreign
	over
)

// next waits for a request.
func (c *conn) next() (*exchange, status) {
	if len(c.buf) == 0 && !c.wait() {
		return nil, over
	}
	first := c.phase.Swap(isServed) == isFresh // then the time has been running since the connection is there
	for seen := 0; ; {
		if (first || len(c.buf) >= peeked) && !begins(c.buf) {
			return nil, foreign
		}
		if i := bytes.Index(c.buf[max(0, seen-len(endOfHead)):], []byte(endOfHead)); i >= 0 {
			return c.take(max(0, seen-len(endOfHead)) + i + len(endOfHead))
		}
		if len(c.buf) >= maxHead || bareLF(c.buf) {
			return nil, foreign
		}
		if seen == 0 && !first {
			c.deadline(c.lane.server.ReadHeaderTimeout)
		}
		seen = len(c.buf)
		switch err := c.read(); {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded), !first && len(c.buf) < peeked:
			return nil, over
		default:
			return nil, foreign // half a request is answered
		}
	}
}

// take makes the request of the first n bytes of buf.
func (c *conn) take(n int) (*exchange, status) {
	request, plain := parse(string(c.buf[:n]))
	if !plain {
		return nil, foreign
	}
	c.buf = append(c.buf[:0], c.buf[n:]...)
	return newExchange(c, request), ours
}

// wait reads the first bytes of a request, as long as an idle connection is kept.
func (c *conn) wait() bool {
	switch now := time.Now(); {
	case c.phase.Load() == isFresh:
		c.deadline(c.lane.server.ReadHeaderTimeout)
	case now.Sub(c.idleFrom) > deadlineSlack:
		c.deadline(c.lane.server.IdleTimeout + deadlineSlack)
		c.idleFrom = now
	}
	if c.phase.CompareAndSwap(isServed, isIdle) && c.lane.draining.Load() {
		return false // Drain has not seen that it is idle
	}
	if cap(c.buf) > firstRead {
		c.buf = nil // one large head must not cost memory for the life of the connection
	}
	return c.read() == nil
}

func (c *conn) deadline(d time.Duration) {
	c.idleFrom = time.Time{}
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = c.rwc.SetReadDeadline(at) // a connection that is closed says so when it is read
}

func (c *conn) read() error {
	if len(c.buf) == cap(c.buf) {
		c.buf = slices.Grow(c.buf, max(firstRead, len(c.buf)))
	}
	n, err := c.rwc.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil // the next read tells it again
	}
	return err
}

// dismiss ends a connection without a request.
func (c *conn) dismiss(fresh bool) {
	if phase := c.phase.Load(); phase == isIdle || fresh && phase == isFresh {
		_ = c.rwc.SetReadDeadline(time.Unix(1, 0))
	}
}

// abandon cancels the request that is running; called from other goroutines.
func (c *conn) abandon() { c.watch.giveUp() }

// answer lets the handler answer and reports whether the connection can have another request.
func (c *conn) answer(x *exchange) (again, hijacked bool) {
	c.watch.begin(x.context.cancel)
	defer func() {
		if v := recover(); v != nil {
			again = false
			c.logPanic(v)
		}
		c.watch.end()
		x.context.cancel(nil)
		x.release()
		if c.hurried {
			c.hurried = false
			_ = c.rwc.SetWriteDeadline(time.Time{})
		}
	}()
	c.lane.server.Handler.ServeHTTP(&x.answer, &x.request)
	x.context.cancel(nil) // before the last bytes leave: who has the whole answer may look at what the request left behind
	if x.answer.hijacked {
		return false, true
	}
	return x.answer.finish(), false
}

// survive ends the connection, not the process.
func (c *conn) survive() {
	if v := recover(); v != nil {
		c.logPanic(v)
		c.rwc.Close()
	}
}

func (c *conn) logPanic(v any) {
	if v == http.ErrAbortHandler {
		return
	}
	logf(c.lane.server.ErrorLog, "http: panic serving %v: %v\n%s", c.peer, v, debug.Stack())
}

func logf(l *log.Logger, format string, args ...any) {
	if l == nil {
		l = log.Default()
	}
	_ = l.Output(2, fmt.Sprintf(format, args...)) // there is no other place to say it
}

// exchange is a request and its answer: one allocation.
type exchange struct {
	request http.Request
	answer  answer
	context requestContext
}

func newExchange(c *conn, r http.Request) *exchange {
	x := &exchange{}
	x.context.Context, x.context.cancel = context.WithCancelCause(c.base)
	r.RemoteAddr = c.peer
	x.request = *r.WithContext(&x.context)
	x.answer = answer{conn: c, head: r.Method == http.MethodHead, close: r.Close, length: -1, out: buffers.Get().(*buffer)}
	return x
}

// release gives the buffer back. A writer that is used after its handler has returned finds none.
func (x *exchange) release() {
	out := x.answer.out
	x.answer.out = nil
	if out != nil && cap(out.out) <= maxKept {
		out.out, out.used = out.out[:0], 0
		buffers.Put(out)
	}
}
