package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

const (
	maxMethod = 32
	// linger is how long what a refused client still sends is read and thrown away, so that it gets to read the answer:
	// closing at once would reset the connection (net/http rstAvoidanceDelay).
	linger = 500 * time.Millisecond
)

// refuse answers instead of the upstream. A body that is still to come is not waited for: the connection ends with the answer,
// and "100 Continue" is never sent (RFC 9110 10.1.1).
func refuse(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	leaveBody(r)
	problem.Write(w, r, p)
}

func leaveBody(r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	rec := recordOf(r.Context())
	rec.closing = rec.closing || r.ProtoMajor == 1
	if rec.body != nil {
		rec.body.abandon(linger)
	}
}

// checkRequest turns away what no application behind us should see, and what different readers would take apart
// differently (RFC 9112 3.2, 5, 6; ASVS 4.1.4, 4.2.1).
func (h *Handler) checkRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, err := h.objection(r); err != nil {
			rec := recordOf(r.Context())
			rec.err, rec.event = err, "request_refused"
			if _, asks := h.verifies(r); asks {
				status = http.StatusForbidden // the proxies that ask know no other no
			}
			rec.closing = r.ProtoMajor == 1 || r.Method == "PRI" // PRI starts HTTP/2 on a connection that speaks HTTP/1
			refuse(w, r, problem.Problem{Status: status, Detail: "problem.refused", Values: wording.Values{"reason": err}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *Handler) objection(r *http.Request) (status int, err error) {
	switch {
	case len(r.Method) > maxMethod:
		return http.StatusNotImplemented, wording.Because("reason.long-method", wording.Values{"n": maxMethod})
	case refusedMethod(r.Method):
		return http.StatusMethodNotAllowed, wording.Because("reason.method", wording.Values{"method": plain(r.Method)})
	case len(r.RequestURI) > maxTarget:
		return http.StatusRequestURITooLong, wording.Because("reason.long-address", wording.Values{"n": maxTarget})
	case fieldCount(r.Header) > maxFields:
		return http.StatusRequestHeaderFieldsTooLarge, wording.Because("reason.fields", wording.Values{"n": maxFields})
	case r.URL.User != nil:
		return http.StatusBadRequest, wording.Because("reason.user-name", nil)
	case badTarget(r.RequestURI):
		return http.StatusBadRequest, wording.Because("reason.address", nil)
	}
	if err := errors.Join(twoFramings(r), twoFields(r)); err != nil {
		return http.StatusBadRequest, err
	}
	return h.objectHost(r)
}

// twoFields finds what net/http settles in HTTP/1 and passes on in HTTP/2 (RFC 9113 8.1.1, 8.3.1).
func twoFields(r *http.Request) error {
	if len(r.Header["Content-Length"]) > 1 {
		return wording.Because("reason.lengths", nil)
	}
	if host, ok := r.Header["Host"]; ok && (len(host) != 1 || host[0] != r.Host) {
		return wording.Because("reason.hosts", nil)
	}
	return nil
}

func refusedMethod(method string) bool {
	return strings.EqualFold(method, "TRACE") || strings.EqualFold(method, "TRACK") ||
		strings.EqualFold(method, "CONNECT") || method == "PRI"
}

func badTarget(target string) bool {
	if target == "" || target == "*" || strings.IndexByte(target, '#') >= 0 || hasControl(target) {
		return true
	}
	return target[0] != '/' && !isAbsolute(target)
}

func isAbsolute(target string) bool {
	return hasPrefixFold(target, "http://") || hasPrefixFold(target, "https://")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// objectHost wants exactly one valid authority, one of ours where the request names it a second time (the target, the TLS server name).
func (h *Handler) objectHost(r *http.Request) (int, error) {
	name, ok := hostName(r.Host)
	if !ok {
		return http.StatusBadRequest, wording.Because("reason.host", nil)
	}
	rec := recordOf(r.Context())
	if _, ok := hostName(rec.Host); !ok {
		return http.StatusBadRequest, wording.Because("reason.forwarded-host", nil)
	}
	if isAbsolute(r.RequestURI) && (r.ProtoMajor > 1 || !h.servesAbsolute(r, name)) { // HTTP/2 has none: RFC 9113 8.3.1
		return http.StatusMisdirectedRequest, wording.Because("reason.other-host", nil)
	}
	if server := tlsName(r); server != "" && !rec.trusted && name != server {
		return http.StatusMisdirectedRequest, wording.Because("reason.tls-host", nil)
	}
	return 0, nil
}

// tlsName is the name that the client asked for in the handshake, as hosts are compared; "": none.
func tlsName(r *http.Request) string {
	if r.TLS == nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(r.TLS.ServerName, "."))
}

// servesAbsolute: a server has to accept absolute targets, and they override Host (RFC 9112 3.2.2). Whoever is in front of us may have gone by
// Host. So the target names what Host, or the handshake, names as well, and is then as good as that; or a host that is ours beyond doubt: one of
// a route, that of the public URL, or the address the connection came in on.
func (h *Handler) servesAbsolute(r *http.Request, name string) bool {
	if h.hosts[name] || name == tlsName(r) || strings.EqualFold(r.Host, hostField(r)) {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(interface{ String() string })
	return local != nil && r.URL.Host == local.String()
}

// ownHosts are the hosts that the configuration names.
func ownHosts(routes []Route, public *url.URL) map[string]bool {
	hosts := map[string]bool{}
	for _, r := range routes {
		if name, ok := hostName(r.Host); ok {
			hosts[name] = true
		}
	}
	if public != nil {
		if name, ok := hostName(public.Host); ok {
			hosts[name] = true
		}
	}
	return hosts
}
