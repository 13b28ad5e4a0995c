package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"coatcheck/proxy/problem"
)

var errCutShort = errors.New("answer cut short")

// recoverPanics ends one request, not the process (ASVS 16.5.4). [http.ErrAbortHandler] passes: it is how a truncated answer stays
// visible as truncated.
func (h *Handler) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				h.afterPanic(w, r, v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (h *Handler) afterPanic(w http.ResponseWriter, r *http.Request, v any) {
	rec := recordOf(r.Context())
	if v == http.ErrAbortHandler {
		if rec.err == nil {
			rec.err = errCutShort
		}
		rec.left = errors.Is(r.Context().Err(), context.Canceled) && context.Cause(r.Context()) != errSessionEnded
		if !rec.left && rec.event == "" {
			rec.event = EventUpstreamFailed
		}
		panic(v)
	}
	rec.err = fmt.Errorf("panic: %v", v)
	h.log.LogAttrs(r.Context(), slog.LevelError, "panic while serving a request",
		slog.String("request_id", rec.RequestID), slog.String("err", plain(rec.err.Error())), slog.String("stack", string(debug.Stack())))
	if rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusInternalServerError
	if _, asks := h.verifies(r); asks {
		status = http.StatusServiceUnavailable
	}
	refuse(w, r, problem.Problem{Status: status, Detail: "problem.panic", Hint: "problem.panic-hint"})
}
