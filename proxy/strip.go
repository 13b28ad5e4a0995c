package proxy

import (
	"log/slog"
	"net/http"
	"strings"
)

// stripHeaders removes what could be mistaken for ours, on every route (ASVS 4.1.3), and the trailers, which would come after the
// removal. Of forwarding headers, [Handler.observe] has read what it believes before.
func (h *Handler) stripHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := recordOf(r.Context())
		if dropped := h.stripper.Strip(r.Header, rec.trusted); len(dropped) > 0 {
			h.log.LogAttrs(r.Context(), slog.LevelInfo, "headers dropped",
				slog.String("event", "spoof_header_dropped"), slog.String("request_id", rec.RequestID),
				slog.String("client", addrText(rec.arrival)), slog.String("names", plain(strings.Join(dropped, " "))))
		}
		r.Trailer = nil
		next.ServeHTTP(w, r)
	})
}
