package proxy

import (
	"bufio"
	"net"
	"net/http"
)

// record is the writer that requests are answered through, and what the access record says of them. It changes nothing between
// the upstream and the client: 1xx, flush and hijack pass through.
type record struct {
	http.ResponseWriter
	arrival
	// closing ends an HTTP/1 connection after this answer.
	closing bool
	body    *pacedBody // nil: none
	// verbatim keeps net/http from guessing a Content-Type the upstream did not send.
	verbatim bool

	status   int    // of the final answer; 0 before it
	verdict  bool   // another proxy asks for no more
	original string // what it asks about
	bytes    int64
	route    string // see Observation
	hsts     string // empty: not sent
	user     string
	err      error  // the deepest
	event    string // of the security log
	left     bool   // the client did not wait for the answer

	// One allocation for all that lives as long as the request does.
	context requestContext
	request http.Request // as handlers see it
	errand  errand       // zero before it is forwarded
}

// WriteHeader notes the status of the final answer. Of interim ones (1xx) it takes the cookies away: our rules for them are applied
// to the final answer only.
func (w *record) WriteHeader(status int) {
	h := w.Header()
	if status < 200 && status != http.StatusSwitchingProtocols {
		h.Del("Set-Cookie")
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status == 0 {
		w.status = status
		w.finish(h)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *record) finish(h http.Header) {
	if w.hsts != "" && len(h["Strict-Transport-Security"]) == 0 {
		h["Strict-Transport-Security"] = []string{w.hsts}
	}
	if w.closing && w.status != http.StatusSwitchingProtocols {
		h["Connection"] = []string{"close"}
	}
	if _, typed := h["Content-Type"]; w.verbatim && !typed {
		h["Content-Type"] = nil // net/http server.go: a nil value suppresses the guess
	}
}

func (w *record) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for [http.ResponseController].
func (w *record) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements [http.Flusher].
func (w *record) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] calls.
func (w *record) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (w *record) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.status = http.StatusSwitchingProtocols
	if w.errand.buffers != nil {
		conn = quietConn{conn, w.errand.buffers}
	}
	return conn, rw, nil
}
