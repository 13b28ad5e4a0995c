package upstream

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrBusy is an upstream that has as many requests as it may have, or says that it is overloaded: 503.
	ErrBusy = errors.New("the upstream is busy")
	// ErrUnavailable is a list of upstreams none of which is well, by their health checks: 503.
	ErrUnavailable = errors.New("no upstream is well")
)

// DialError is an upstream that no connection could be made to. Nothing of the request was sent.
type DialError struct{ Err error }

// Error implements error.
func (e *DialError) Error() string { return fmt.Sprintf("connect: %v", e.Err) }

// Unwrap gives the reason, such as a [net.OpError].
func (e *DialError) Unwrap() error { return e.Err }

// RefusedError is a request that cannot be put to this upstream, through the client's fault. Nothing of it was sent.
type RefusedError struct {
	// Status is that of the answer: 400, 404 or 411.
	Status int
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refuse request with %d %s: %s", e.Status, http.StatusText(e.Status), e.Reason)
}
