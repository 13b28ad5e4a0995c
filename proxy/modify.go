package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// modify is amend for the [httputil.ReverseProxy].
func (f *forward) modify(res *http.Response) error {
	ctx := res.Request.Context()
	return f.amend(res, errandOf(ctx), recordOf(ctx))
}

// amend adds our cookie to an upstream's answer and takes the upstream's of that name away: only we hand out session keys.
// Where the session is shared, an upstream that set the cookie wrote last, and its own stands.
func (f *forward) amend(res *http.Response, e *errand, rec *record) error {
	if res.StatusCode < 100 {
		return fmt.Errorf("answer of the upstream: status %d", res.StatusCode) // net/http takes it, and panics when it is to be written
	}
	h, p := res.Header, &e.Pass
	cookie, err := e.collect(res.Request.Context())
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		e.flight.long.Store(true)
	}
	if tunnel, ok := res.Body.(io.ReadWriteCloser); ok && res.StatusCode == http.StatusSwitchingProtocols {
		res.Body = quietTunnel{tunnel, e.buffers}
	}
	if !p.choice.route.ShareSession {
		f.cookie.DropSetCookie(h)
	} else if f.cookie.SetBy(h) {
		cookie = ""
	}
	p.choice.route.rewriteAnswer(h, rec.arrival)
	p.choice.route.Response.apply(h)
	if p.lookedAt {
		if len(h["Vary"]) == 0 {
			e.values.set(h, "Vary", "Cookie")
		}
		p.tellTimeLeft(h)
		mark(h, cookie)
	}
	if _, says := h["Cache-Control"]; !says && !p.Principal.Anonymous() && res.StatusCode != http.StatusSwitchingProtocols {
		e.values.set(h, "Cache-Control", "private")
	}
	return nil
}

// buffers are what bodies are copied through.
type buffers struct{ pool sync.Pool }

type buffer [32 << 10]byte

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte {
	buf, ok := b.pool.Get().(*buffer)
	if !ok {
		buf = new(buffer)
	}
	return buf[:]
}

// Put implements [httputil.BufferPool].
func (b *buffers) Put(buf []byte) { b.pool.Put((*buffer)(buf)) }
