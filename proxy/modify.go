package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// modify adds our cookie to an upstream's answer and takes the upstream's of that name away: only we hand out session keys.
// Where the session is shared, an upstream that set the cookie wrote last, and its own stands.
func (f *forward) modify(res *http.Response) error {
	if res.StatusCode < 100 {
		return fmt.Errorf("answer of the upstream: status %d", res.StatusCode) // net/http takes it, and panics when it is to be written
	}
	e, h := errandOf(res.Request.Context()), res.Header
	p := e.Pass
	line, err := e.collect(res.Request.Context())
	if err != nil {
		return err
	}
	p.cookie = line
	if res.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		e.flight.long.Store(true)
	}
	if !p.choice.route.ShareSession {
		f.cookie.DropSetCookie(h)
	} else if f.cookie.SetBy(h) {
		p.cookie = ""
	}
	p.choice.route.rewriteAnswer(h, recordOf(res.Request.Context()).arrival)
	p.choice.route.Response.apply(h)
	p.mark(h)
	if _, says := h["Cache-Control"]; !says && !p.Principal.Anonymous() && res.StatusCode != http.StatusSwitchingProtocols {
		h.Set("Cache-Control", "private")
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
