package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
)

// Trace says whose trace context (W3C Trace Context, Level 1) is passed on. The zero Trace is that of everybody.
type Trace struct {
	// Trusted passes on that of trusted proxies alone.
	Trusted bool
	// Create makes a context where none is passed on, marked as sampled: applications decide by that mark.
	Create bool
}

const (
	traceVersionLen = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	traceParent     = "Traceparent"
	traceState      = "Tracestate"
	maxTraceState   = 2048 // bytes; 512 have to be passed on (3.3.1.5)
)

// of returns the trace a request belongs to, "" for none, and leaves in its header what is passed on.
func (t Trace) of(h http.Header, trusted bool) (id string) {
	lines, said := h[traceParent]
	_, state := h[traceState]
	if !said && !state && !t.Create {
		return ""
	}
	if len(lines) == 1 && (trusted || !t.Trusted) {
		id = traceID(lines[0])
	}
	if id == "" {
		delete(h, traceParent)
	}
	if state && (id == "" || lengthOf(h[traceState]) > maxTraceState) { // without its parent it means nothing (3.3)
		delete(h, traceState)
	}
	if id == "" && t.Create {
		var random [24]byte
		_, _ = rand.Read(random[:]) // never fails (crypto/rand.Read)
		id = hex.EncodeToString(random[:16])
		h[traceParent] = []string{"00-" + id + "-" + hex.EncodeToString(random[16:]) + "-01"}
	}
	return id
}

// traceID is the trace-id of a traceparent; "": it is not valid (2.2). Of versions to come the first four fields are read.
func traceID(parent string) string {
	if len(parent) < traceVersionLen || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' {
		return ""
	}
	version, id, span, flags := parent[:2], parent[3:35], parent[36:52], parent[53:55]
	switch {
	case !lowerHex(version) || !lowerHex(id) || !lowerHex(span) || !lowerHex(flags):
	case version == "ff" || strings.Trim(id, "0") == "" || strings.Trim(span, "0") == "":
	case len(parent) > traceVersionLen && (version == "00" || parent[55] != '-' || len(parent) > maxTraceState):
	default:
		return id
	}
	return ""
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// traceAttr is left out by slog's handlers where there is no trace.
func traceAttr(rec *record) slog.Attr {
	if rec.TraceID == "" {
		return slog.Attr{}
	}
	return slog.String("trace_id", rec.TraceID)
}

func lengthOf(lines []string) (n int) {
	for _, line := range lines {
		n += len(line)
	}
	return n
}
