package proxy

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTime    = 10 * time.Second
	idleTime      = 60 * time.Second
	maxHeader     = 64 << 10 // bytes of request line and header block; more is 431
	serverSlop    = 4 << 10  // net/http adds this much to MaxHeaderBytes (server.go initialReadLimitSize)
	maxH2Streams  = 100
	maxH2FrameLen = 64 << 10
)

// Server is an [http.Server] with the limits and watches that only a server can have.
type Server struct{ *http.Server }

// NewServer returns the server for a [Handler]. It has no read or write timeout: long uploads, downloads, polls and
// WebSockets are what a proxy is for; a [Handler] watches the pace of bodies itself. TLSConfig is the caller's.
func NewServer(h http.Handler, log *slog.Logger) *Server {
	return &Server{&http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader - serverSlop,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxH2Streams, MaxReadFrameSize: maxH2FrameLen},
		// "OPTIONS *" is refused like every other "*".
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withWire,
		ConnState:                    watchWire,
		// Debug: what arrives here are handshakes of port scanners and the like.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
}

// Serve is [http.Server.Serve]. On a listener without TLS it also sees what net/http hides: see wire.
func (s *Server) Serve(l net.Listener) error { return s.Server.Serve(wireListener{l}) }
