package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBasicAuthOfRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := mustLoad(t, Options{Path: write(t, `upstream: http://a:1
identity: {basic_auth: {username_from: username, password: shared}}
routes:
  - path: /
  - path: /file
    identity: {basic_auth: {username: service, password_file: `+file+`}}
  - path: /mail
    identity: {basic_auth: {username_from: email}}
  - path: /off
    identity: {basic_auth: {username_from: ""}}
`)})
	for i, want := range []string{"/username/shared", "service//from a file", "/email/shared", "//shared"} {
		b := cfg.Routes[i].Identity.BasicAuth
		if got := b.Username + "/" + b.UsernameFrom + "/" + b.Password.Reveal(); got != want {
			t.Errorf("route %s: got %q, want %q", cfg.Routes[i].Path, got, want)
		}
	}
	if cfg.Routes[3].Identity.BasicAuth.On() {
		t.Error("a route that names nobody sends credentials")
	}
	if text := fmt.Sprintf("%+v", cfg); strings.Contains(text, "shared") || strings.Contains(text, "from a file") {
		t.Error("13.3.1: a password is printed")
	}
}

func TestIdentityProblems(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"two names", "identity: {basic_auth: {username: a, username_from: email}}", "identity.basic_auth.username: \"a\" and username_from exclude each other"},
		{"colon", "identity: {basic_auth: {username: 'a:b'}}", "holds a colon"},
		{"13.3.2 open file", "upstream: http://a:1\nroutes: [{path: /, identity: {basic_auth: {username: a, password_file: " + open + "}}}]", "chmod 600"},
		{"two passwords", "upstream: http://a:1\nroutes: [{path: /, identity: {basic_auth: {username: a, password: b, password_file: " + open + "}}}]", "keep one of them"},
		{"password of nobody", "upstream: http://a:1\nroutes: [{path: /, identity: {basic_auth: {password: b}}}]", "has no user name"},
		{"no issuer", "identity: {jwt: {header: X-A}}", "needs public_url"},
		{"short secret", "public_url: https://a.example\nsecret_key: short\nidentity: {jwt: {header: X-A}}", "needs a secret_key of at least 32 bytes"},
		{"ttl", "public_url: https://a.example\nidentity: {jwt: {header: X-A, ttl: 0}}", "identity.jwt.ttl"},
		{"header twice", "public_url: https://a.example\nidentity: {jwt: {header: x-a}, headers: [{name: X-A, value: id}]}", "is one of headers, too"},
		{"two in Authorization", "public_url: https://a.example\nidentity: {jwt: {header: authorization}, basic_auth: {username: u}}", "which basic_auth sends"},
		{"PROXY protocol from anybody", "proxy_protocol: true", "needs trusted_proxies"},
		{"hop-by-hop header", "upstream: http://a:1\nroutes: [{path: /, headers: {request: {set: [{name: Connection, value: x}]}}}]", "has a meaning of its own"},
		{"line break in header", "upstream: http://a:1\nroutes: [{path: /, headers: {response: {set: [{name: X-A, value: \"a\\r\\nb\"}]}}}]", "control characters"},
		{"header without name", "upstream: http://a:1\nroutes: [{path: /, headers: {request: {set: [{value: x}]}}}]", "routes[0].headers.request.set[0].name: is missing"},
		{"cookie path without prefix", "upstream: http://a:1\nroutes: [{path: /, rewrite_cookie_path: true}]", "needs strip_prefix"},
		{"none and another upstream", "routes: [{path: /, upstream: [none, 'http://a:1']}]", "routes[0].upstream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(Options{Path: write(t, c.text+"\n")})
			if !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("%s\n got %v\nwant %q", c.text, err, c.want)
			}
		})
	}
}

func TestRouteOptions(t *testing.T) {
	cfg := mustLoad(t, Options{Path: write(t, `routes:
  - path: /x
    upstream: none
    max_body: 1048576
    timeout: 30s
    trailers: true
    preflight: true
    strip_prefix: true
    rewrite_redirects: true
    rewrite_cookie_path: true
    headers:
      request: {set: [{name: X-Env, value: prod}], remove: [X-Debug]}
      response: {remove: [Server]}
`)})
	r := cfg.Routes[0]
	if r.MaxBody != 1<<20 || r.Timeout != 30*time.Second || !r.Trailers || !r.Preflight || !r.RewriteRedirects || !r.RewriteCookies ||
		r.Headers.Request.Set[0] != (Header{"X-Env", "prod"}) || r.Headers.Request.Remove[0] != "X-Debug" || r.Headers.Response.Remove[0] != "Server" {
		t.Errorf("got %+v", r)
	}
}
