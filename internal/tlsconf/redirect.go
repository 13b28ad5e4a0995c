package tlsconf

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Plain is for the listener without TLS: it answers the authority's questions and sends browsers that ask for a page to https (ASVS
// 12.2.1). Everything else is refused: a program that speaks http must notice, and nothing it sent is answered. Port is where https is.
// Current is asked at each request.
func Plain(current func() *Certificates, port int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := current()
		if m, ok := c.source.(*managed); ok && m.challenge(w, r) {
			return
		}
		host := hostOf(r.Host)
		if !page(r) || !c.Covers(host) {
			w.Header().Set("Connection", "close")
			http.Error(w, "This address is served by https only.", http.StatusForbidden)
			return
		}
		w.Header().Set("Location", secure(host, port, r.URL))
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

// secure is the address by https. Of the target only path and query are kept.
func secure(host string, port int, target *url.URL) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 443 {
		host += ":" + strconv.Itoa(port)
	}
	to := url.URL{Scheme: "https", Host: host, Path: target.Path, RawPath: target.RawPath, RawQuery: target.RawQuery}
	return to.String()
}

// page reports whether a browser asks for a page, or may be: a request with credentials, a script's, or one that wants no HTML is not.
// (Browsers send no Sec-Fetch fields by plain http.)
func page(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := r.Header
	if h.Get("Authorization") != "" || h.Get("X-Requested-With") != "" || h.Get("Upgrade") != "" {
		return false
	}
	accept := h.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

func hostOf(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return strings.Trim(authority, "[]")
}
