package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Limits of SECURITY.md; those of [NewServer] come on top.
const (
	maxTarget = 16 << 10 // bytes of the request target
	maxFields = 200
	// A body must come at this pace while we wait for it. Time in which the upstream does not read is not the client's.
	progressBytes = 1 << 10
	progressTime  = 10 * time.Second
)

// limitBody watches the pace at which the body comes in. An upstream may answer before it has read everything: full duplex lets
// the answer through at once instead of waiting for a body that nobody wants.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &pacedBody{body: r.Body, control: http.NewResponseController(w), left: progressTime}
		_ = body.control.EnableFullDuplex() // HTTP/2 is
		recordOf(r.Context()).body = body
		r.Body = body
		next.ServeHTTP(w, r)
		body.abandon(progressTime)
	})
}

// pacedBody gives the client a deadline while somebody waits for its bytes, and none otherwise: long polls, uploads to a slow
// upstream and upgraded connections are not hurried.
type pacedBody struct {
	body    io.ReadCloser
	control *http.ResponseController
	left    time.Duration // to wait for the rest of progressBytes
	got     int

	reading sync.Mutex // held by Read
	fault   error      // why the body ended early

	mu   sync.Mutex // the transport may still read when the handler returns
	done bool
}

// bodyError is a request body that could not be read: the client's doing, not the upstream's.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read request body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

func (b *pacedBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	began := time.Now()
	b.deadline(began.Add(max(b.left, time.Millisecond)), false)
	n, err := b.body.Read(p)
	b.left -= time.Since(began)
	if b.got += n; b.got >= progressBytes {
		b.got, b.left = 0, progressTime
	}
	b.deadline(time.Time{}, err != nil)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyError{err}
		b.fault = err
	}
	return n, err
}

// failure is for requests that are cancelled: then a Read that still runs is about to return.
func (b *pacedBody) failure() error {
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.fault
}

// abandon ends the reading: what still comes within wait is thrown away by net/http (server.go maxPostHandlerReadBytes), so that the
// client gets to read its answer; then the connection ends.
func (b *pacedBody) abandon(wait time.Duration) { b.deadline(time.Now().Add(wait), true) }

// deadline sets the read deadline unless an earlier call was the last.
func (b *pacedBody) deadline(t time.Time, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done {
		_ = b.control.SetReadDeadline(t) // unsupported by recorders in tests
	}
	b.done = b.done || last
}

func (b *pacedBody) Close() error { return b.body.Close() }

func fieldCount(h http.Header) int {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n
}
