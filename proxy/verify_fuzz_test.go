package proxy

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Whatever is asked about, the answer is one that every asking proxy knows; and nobody gets where the proxy itself, asked for the same
// address, would not let him.
func FuzzVerify(f *testing.F) {
	g := newRig(f, settings{trusted: []string{"192.0.2.0/24"}, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}}, {Path: "/open", Access: Access{Mode: ModePublic}}, {Path: "/closed"},
	}})
	g.handler.log, g.handler.guard.log = discardLog(), discardLog()
	passed := false
	g.handler.answer = passes{&passed}
	for _, seed := range [][3]string{
		{"/open", "GET", ""}, {"/open/../x", "GET", ""}, {"/open/..%2fx", "POST", ""}, {"/closed", "GET", "/open"}, {"/x", "TRACE", ""}, {"", "", "/open"},
		{"//open", "GET", ""}, {"/open#/x", "GET", ""}, {"http://a/open", "GET", ""}, {"/%zz", "GET", ""}, {"/.auth/login", "GET", ""}, {"/.auth%2fx", "GET", "/"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, uri, method, suffix string) {
		if suffix != "" && suffix[0] != '/' {
			return // another page
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RequestURI = "/.auth/verify" + suffix
		r.Header.Set("X-Original-Uri", uri)
		r.Header.Set("X-Original-Method", method)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 401, 403}, w.Code) {
			t.Fatalf("%q %q %q: %d", uri, method, suffix, w.Code)
		}
		if w.Code != 200 || uri == "" || strings.HasPrefix(uri, "/.auth") {
			return
		}
		direct := httptest.NewRequest(http.MethodGet, "/", nil)
		direct.RequestURI, direct.Method = uri, r.Method
		if method != "" {
			direct.Method = method
		}
		passed = false
		g.handler.ServeHTTP(httptest.NewRecorder(), direct)
		if !passed {
			t.Errorf("%q %q %q: allowed, but the proxy refuses it", uri, method, suffix)
		}
	})
}

// passes notes what would have been forwarded.
type passes struct{ passed *bool }

func (p passes) Allowed(http.ResponseWriter, *http.Request, Pass)            { *p.passed = true }
func (p passes) NeedLogin(http.ResponseWriter, *http.Request, Pass)          {}
func (p passes) Forbidden(http.ResponseWriter, *http.Request, Pass, Verdict) {}
