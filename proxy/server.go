package proxy

import (
	"context"
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

// NewServer returns the server for a [Handler], with the limits that only a server can keep. It has no read or write
// timeout: long uploads, downloads, polls and WebSockets are what a proxy is for; a [Handler] watches the pace of bodies itself.
// TLSConfig is the caller's. Serve it on [WatchedListener]s.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader - serverSlop,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxH2Streams, MaxReadFrameSize: maxH2FrameLen},
		// "OPTIONS *" is refused like every other "*".
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return withResets(withWire(ctx, conn), conn)
		},
		ConnState: watchWire,
		// Debug: what arrives here are handshakes of port scanners and the like.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
