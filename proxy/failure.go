package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"

	"coatcheck/proxy/problem"
	"coatcheck/proxy/upstream"
)

// fail answers for an upstream that did not, or for a client whose body could not be read.
func (f *forward) fail(w http.ResponseWriter, r *http.Request, err error) {
	rec := recordOf(r.Context())
	if context.Cause(r.Context()) == errSessionEnded {
		w.Header().Set("Www-Authenticate", "Session")
		refuse(w, r, problem.Problem{Status: http.StatusUnauthorized, Detail: "problem.ended", Hint: "problem.ended-hint"})
		return
	}
	err = rec.blame(r.Context(), err)
	rec.err, rec.verbatim = err, false
	if errors.Is(r.Context().Err(), context.Canceled) && !errors.Is(err, os.ErrDeadlineExceeded) {
		rec.left = true
	}
	if e := errandOf(r.Context()); e != nil {
		e.mark(w.Header())
	}
	p := failure(err)
	if p.Status >= http.StatusBadGateway && !rec.left {
		rec.event = EventUpstreamFailed
	}
	if errors.Is(err, errNotHandedOut) {
		rec.event = "store_error"
	}
	refuse(w, r, p)
}

// blame is what went wrong with the request's body, where something did, otherwise err. net/http cancels the request when a read of
// its body fails, so the transport may hear of that first, and it is neither the upstream's fault nor has the client left.
func (w *record) blame(ctx context.Context, err error) error {
	if w.body == nil || ctx.Err() == nil {
		return err
	}
	if fault := w.body.failure(); fault != nil {
		return fault
	}
	return err
}

// failure tells the client's faults from the upstream's. Nothing of the error's text is shown.
func failure(err error) problem.Problem {
	var body *bodyError
	var size *http.MaxBytesError
	var timeout net.Error
	var refused *upstream.RefusedError
	switch {
	case errors.Is(err, errNotHandedOut):
		return unavailable()
	case errors.As(err, &refused):
		return problem.Problem{Status: refused.Status, Detail: "problem.asked"}
	case errors.Is(err, upstream.ErrBusy), errors.Is(err, upstream.ErrUnavailable):
		return problem.Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
			Detail: "problem.busy", Hint: "problem.few-seconds"}
	case errors.As(err, &size):
		return problem.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "problem.too-large"}
	case errors.As(err, &body) && errors.Is(err, os.ErrDeadlineExceeded):
		return problem.Problem{Status: http.StatusRequestTimeout, Detail: "problem.too-slow"}
	case errors.As(err, &body):
		return problem.Problem{Status: http.StatusBadRequest, Detail: "problem.cut"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem.Problem{Status: http.StatusGatewayTimeout, Detail: "problem.timeout", Hint: "problem.later"}
	}
	return problem.Problem{Status: http.StatusBadGateway, Detail: "problem.upstream", Hint: "problem.later"}
}
