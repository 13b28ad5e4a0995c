package proxy

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// statusClientLeft is nginx's 499: nobody was there to read an answer. It is only ever logged.
const statusClientLeft = 499

// maxLogged is how much of a text from outside one log field holds, in bytes.
const maxLogged = 512

// observe is the outermost: it finds out where a request comes from, puts the facts into its context, and writes its one
// access record, also when a handler panics.
func (h *Handler) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{ResponseWriter: w, arrival: h.networks.arrive(r), closing: closeAfter(r), route: RouteNone}
		if r.TLS != nil {
			rec.hsts = h.hsts
		}
		budget := resetsOf(r)
		rec.closing = rec.closing || budget.spent() // HTTP/2: net/http makes GOAWAY of "Connection: close"
		began := h.now()
		defer func() {
			took := h.now().Sub(began)
			h.logAccess(rec, r, took)
			budget.note(r, h.now())
			if h.observer != nil {
				h.observer(Observation{Route: rec.route, Status: rec.outcome(), Took: took, Event: rec.event})
			}
		}()
		next.ServeHTTP(rec, rec.carry(r))
	})
}

// closeAfter: net/http drops the Content-Length of a chunked request, and the Transfer-Encoding of an HTTP/1.0 one, before any
// handler can see that there were both. Whoever sent such a request must not get a second one read from the same connection (RFC
// 9112 6.1: "MUST close the connection after responding").
func closeAfter(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0)
}

func (h *Handler) logAccess(rec *record, r *http.Request, took time.Duration) {
	if h.log.Enabled(r.Context(), slog.LevelInfo) {
		h.log.LogAttrs(r.Context(), slog.LevelInfo, "request", rec.attrs(r, took)...)
	}
}

// outcome is the status that is told of the request, which nobody may have been there to read.
func (w *record) outcome() int {
	switch {
	case w.left:
		return statusClientLeft
	case w.status == 0:
		return http.StatusOK // net/http's own answer of a handler that wrote nothing
	}
	return w.status
}

func (w *record) attrs(r *http.Request, took time.Duration) []slog.Attr {
	attrs := make([]slog.Attr, 0, 13)
	attrs = append(attrs,
		slog.String("request_id", w.RequestID),
		slog.String("client", addrText(w.arrival)),
		slog.String("host", plain(w.Host)),
		slog.String("method", plain(r.Method)),
		slog.String("path", plain(rawPath(r))),
		slog.Int("status", w.outcome()),
		slog.Int64("bytes", w.bytes),
		slog.Float64("dur_ms", float64(took.Microseconds())/1000),
	)
	if w.TraceID != "" {
		attrs = append(attrs, traceAttr(w))
	}
	if w.original != "" {
		attrs = append(attrs, slog.String("original", plain(w.original)))
	}
	if w.user != "" {
		attrs = append(attrs, slog.String("user_id", plain(w.user)))
	}
	if w.event != "" {
		attrs = append(attrs, slog.String("event", w.event))
	}
	if w.err != nil {
		attrs = append(attrs, slog.String("err", plain(w.err.Error())))
	}
	return attrs
}

func addrText(a arrival) string {
	if a.Client.IsValid() {
		return a.Client.String()
	}
	return "unknown"
}

// plain is s fit for a log: printable ASCII, the rest escaped, of bounded length (ASVS 16.4.1).
func plain(s string) string {
	if len(s) > maxLogged {
		s = s[:maxLogged] + "…"
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			quoted := strconv.QuoteToASCII(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
