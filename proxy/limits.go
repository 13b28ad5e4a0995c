package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
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

// limitBody watches the pace at which the body comes in.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &pacedBody{body: r.Body, control: http.NewResponseController(w), left: progressTime}
		r.Body = body
		next.ServeHTTP(w, r)
		body.abandon()
	})
}

// pacedBody gives the client a deadline while somebody waits for its bytes, and none otherwise: long polls, uploads to a slow
// upstream and upgraded connections are not hurried.
type pacedBody struct {
	body    io.ReadCloser
	control *http.ResponseController
	left    time.Duration // to wait for the rest of progressBytes
	got     int
	done    atomic.Bool
}

// bodyError is a request body that could not be read: the client's doing, not the upstream's.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read request body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

func (b *pacedBody) Read(p []byte) (int, error) {
	began := time.Now()
	_ = b.control.SetReadDeadline(began.Add(max(b.left, time.Millisecond))) // unsupported: a test's recorder
	n, err := b.body.Read(p)
	b.left -= time.Since(began)
	if b.got += n; b.got >= progressBytes {
		b.got, b.left = 0, progressTime
	}
	_ = b.control.SetReadDeadline(time.Time{})
	if err == nil {
		return n, nil
	}
	b.done.Store(true)
	if !errors.Is(err, io.EOF) {
		err = &bodyError{err}
	}
	return n, err
}

// abandon bounds how long net/http drains what nobody read (server.go maxPostHandlerReadBytes).
func (b *pacedBody) abandon() {
	if !b.done.Swap(true) {
		_ = b.control.SetReadDeadline(time.Now().Add(linger))
	}
}

func (b *pacedBody) Close() error { return b.body.Close() }

func fieldCount(h http.Header) int {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n
}
