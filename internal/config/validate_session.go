package config

import (
	"slices"
	"strings"
)

// checkSessionAPI: who can reach the listener and has seen a token has the session.
func (l *loading) checkSessionAPI(cfg *Config) {
	listen := cfg.SessionAPI.Listen
	if listen == "" {
		return
	}
	const key = "session_api.listen"
	host, number, isTCP := splitHostPort(listen)
	switch {
	case number != "0" && (listen == cfg.Listen || listen == cfg.AdminListen || listen == cfg.TLS.PlainListen()):
		l.bad(key, "is the address of another listener; choose another port")
	case isTCP && !strings.HasPrefix(listen, "unix:") && !loopback(host):
		l.warn(key, "can be reached from other machines, and is plain http: tokens and session data can be read on the way; keep it on 127.0.0.1, a unix socket or a private network")
	}
	if cfg.Session.Engine == "signed_cookies" {
		l.bad(key, "needs a session.engine that keeps sessions on the server; signed_cookies keeps them in the browser")
	}
}

// checkSessions: what sessions of applications and visitors need.
func (l *loading) checkSessions(at string, r Route, cfg *Config) {
	looked := r.Access == "login" || r.Access == "optional"
	if r.SessionAPI {
		switch {
		case cfg.SessionAPI.Listen == "":
			l.bad(at+".session_api", "needs session_api.listen, such as 127.0.0.1:9092 or unix:/run/coatcheck/session.sock")
		case !looked:
			l.bad(at+".session_api", "needs access: login or optional; with access: %s no session is looked at", r.Access)
		case slices.Contains(r.Upstream, NoUpstream):
			l.bad(at+".session_api", "needs an upstream: the token is not told to other proxies, whose clients could read it")
		}
	}
	if !r.AnonymousSession {
		return
	}
	tells := slices.ContainsFunc(r.Identity.Headers, func(h Header) bool { return h.Value == "visitor" })
	switch {
	case !looked:
		l.bad(at+".anonymous_session", "needs access: login or optional; with access: %s no session is looked at", r.Access)
	case !tells && !r.SessionAPI:
		l.warn(at+".anonymous_session", "makes no session by itself: tell the visitor's id in an identity header (value: visitor), or let the application begin sessions (session_api: true)")
	}
}
