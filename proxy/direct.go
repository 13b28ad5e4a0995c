package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
)

// errSwitched: nobody asked the upstream to.
var errSwitched = errors.New("the upstream switches protocols unasked")

// direct reports whether a request needs nothing of what [httputil.ReverseProxy] is for: it has no body, asks for no upgrade, and
// there are no trailers. Such requests are most, and the way that takes one map of headers and one write to the client costs much less.
func (f *forward) direct(r *http.Request, to *route) bool {
	if f.indirect || r.ContentLength != 0 || r.Body != nil && r.Body != http.NoBody || len(r.TransferEncoding) > 0 || to.Trailers {
		return false
	}
	for _, name := range [...]string{"Upgrade", "Te", "Expect"} {
		if _, there := r.Header[name]; there {
			return false
		}
	}
	return true
}

// carry takes a direct request to its upstream and the answer back, by the rules of [httputil.ReverseProxy].
func (f *forward) carry(w http.ResponseWriter, r *http.Request, e *errand, rec *record) {
	defer e.interim.end()
	out := f.outgoing(w, r, e, rec)
	res, err := e.choice.route.Upstream.RoundTrip(out)
	e.interim.end()
	if err != nil {
		f.fail(w, out, err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		f.fail(w, out, errSwitched)
		return
	}
	dropHopByHop(res.Header)
	if err := f.amend(res, e, rec); err != nil {
		f.fail(w, out, err)
		return
	}
	if taker, ok := rec.ResponseWriter.(headerTaker); !ok || !taker.TakeHeader(res.Header) {
		give(w.Header(), res.Header)
	}
	w.WriteHeader(res.StatusCode)
	if !f.copyBody(w, res, e) {
		panic(http.ErrAbortHandler) // the client must see it
	}
}

// outgoing is the upstream's request. It takes the headers over: what of them an error page looks at stays.
func (f *forward) outgoing(w http.ResponseWriter, r *http.Request, e *errand, rec *record) *http.Request {
	h := r.Header
	dropHopByHop(h)
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Http2-Settings"} {
		delete(h, name)
	}
	f.dress(h, e, rec)
	if _, says := h["User-Agent"]; !says {
		e.values.set(h, "User-Agent", "") // or net/http names itself
	}
	e.interim.to = w
	e.trace.Got1xxResponse = e.interim.pass
	e.out = *r.WithContext(httptrace.WithClientTrace(r.Context(), &e.trace))
	e.url = *outURL(e.choice.route.Upstream.Target(), e.choice.path, r.URL)
	out := &e.out
	out.URL = &e.url
	out.Host, out.Body, out.Close, out.Trailer = rec.Host, nil, false, nil
	return out
}

// hopByHop are the fields that belong to one connection (RFC 9110 7.6.1), as net/http/httputil has them.
var hopByHop = [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// dropHopByHop removes them, those that Connection lists first.
func dropHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// headerTaker is a writer that uses a header map as it is, as that of proxy/lane does.
type headerTaker interface{ TakeHeader(h http.Header) bool }

// give adds what from has to what to has, and shares it.
func give(to, from http.Header) {
	for name, values := range from {
		if before, there := to[name]; there {
			values = append(before, values...)
		}
		to[name] = values
	}
}

// interim passes 1xx answers on until the answer is there: then its header is being written.
type interim struct {
	mu sync.Mutex
	to http.ResponseWriter // nil: over
}

func (i *interim) pass(status int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.to == nil {
		return nil
	}
	h := i.to.Header()
	give(h, http.Header(header))
	i.to.WriteHeader(status)
	clear(h)
	return nil
}

func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to = nil
}

// waiting is a body that tells how much of it can be read without waiting for the upstream, in bytes.
type waiting interface{ Buffered() int }

// copyBody sends the body as it comes: what the upstream has sent, the client gets at once; what has arrived together leaves together.
// False: the answer is not whole.
func (f *forward) copyBody(w http.ResponseWriter, res *http.Response, e *errand) bool {
	if res.ContentLength == 0 || res.Body == http.NoBody {
		return true
	}
	in, _ := res.Body.(waiting)
	flush := func() {
		if in == nil || in.Buffered() == 0 {
			_ = http.NewResponseController(w).Flush() // a client that left is noticed by the next write
		}
	}
	flush()
	buf := e.Get()
	defer e.Put(buf)
	for left := res.ContentLength; ; {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			f.cutShort(err)
			flush() // what there is
			return false
		}
		if left -= int64(n); n > 0 && left != 0 {
			flush()
		}
	}
}

func (f *forward) cutShort(err error) {
	if !errors.Is(err, context.Canceled) {
		f.proxy.ErrorLog.Printf("read the body of the upstream's answer: %v", err)
	}
}
