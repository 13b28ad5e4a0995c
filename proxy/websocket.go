package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// EventForeignSocket is the security event of a WebSocket that a page of another origin tried to open.
const EventForeignSocket = "foreign_socket_refused"

// foreignSocket reports whether a page of another origin opens a WebSocket with its visitor's session (ASVS 4.4.2): browsers let any page do so,
// and tell the server alone. A program that is no browser sends no Origin.
func (r *route) foreignSocket(h http.Header, host string) bool {
	if !strings.EqualFold(h.Get("Upgrade"), "websocket") || h.Get("Origin") == "" {
		return false
	}
	if slices.Contains(r.SocketOrigins, h.Get("Origin")) {
		return false
	}
	origin, err := url.Parse(h.Get("Origin"))
	return err != nil || !strings.EqualFold(origin.Host, host)
}
