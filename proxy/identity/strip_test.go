package identity

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"coatcheck/auth"
)

func TestStrip_4_1_3(t *testing.T) {
	s := NewStripper("X-Tenant")
	for _, tc := range []struct {
		name               string
		untrusted, trusted bool // whether it goes
	}{
		{"Remote-User", true, true},
		{"remote-user", true, true},
		{"Remote_User", true, true},
		{"REMOTE_USER", true, true},
		{"Remote.User", true, true},
		{"Remote~Groups", true, true},
		{"Remote-Whatever", true, true},
		{"X-Remote-User", true, true},
		{"X-Remote_Group", true, true},
		{"X-Forwarded-User", true, true},
		{"X-Forwarded-Email", true, true},
		{"x-forwarded-groups", true, true},
		{"X-Forwarded-Preferred-Username", true, true},
		{"X-Auth-Request-User", true, true},
		{"X-Auth-Request-Access-Token", true, true},
		{"X-Webauth-User", true, true},
		{"X-WEBAUTH-ROLE", true, true},
		{"X-Session-Token", true, true},
		{"X-Tenant", true, true},
		{"x_tenant", true, true},
		{"Proxy", true, true},
		{"Api_Key", true, true}, // odd names go whatever they are
		{"X'Y", true, true},
		{"X*Y", true, true},
		{"Ünicode", true, true},
		{"", true, true},
		{"Forwarded", true, false},
		{"X-Forwarded-For", true, false},
		{"X-Forwarded-Proto", true, false},
		{"X-Forwarded-Client-Cert", true, false},
		{"X_Forwarded_For", true, true},
		{"X-Real-Ip", true, false},
		{"X-Client-Ip", true, false},
		{"True-Client-Ip", true, false},
		{"X-Original-Url", true, false},
		{"X-Original-Method", true, false},
		{"X-Rewrite-Url", true, false},
		{"X-Ssl-Client-Verify", true, false},
		{"Front-End-Https", true, false},
		{"X-Scheme", true, false},
		{"X-Accel-Mapping", true, false},
		{"X-Sendfile-Type", true, false},
		{"X-Request-Id", false, false},
		{"Accept", false, false},
		{"Cookie", false, false},
		{"Authorization", false, false},
		{"Referer", false, false},
		{"Remote", false, false},
		{"X-" + strings.Repeat("a", 200), false, false},
		{"X-Remote-" + strings.Repeat("a", 200), true, true},
	} {
		for trusted, want := range map[bool]bool{false: tc.untrusted, true: tc.trusted} {
			h := http.Header{tc.name: {"x"}, "Accept-Language": {"de"}}
			dropped := s.Strip(h, trusted)
			if got := len(h) == 1; got != want || slices.Contains(dropped, tc.name) != want {
				t.Errorf("Strip %q trusted %t: gone %t, dropped %q; want gone %t", tc.name, trusted, got, dropped, want)
			}
		}
	}
}

// In a request's trailers the same names go.
func TestStripTrailer_15_3_4(t *testing.T) {
	trailer := http.Header{"Remote_user": nil, "X-Forwarded-For": nil, "Checksum": nil}
	dropped := NewStripper().Strip(trailer, false)
	if !slices.Equal(dropped, []string{"Remote_user", "X-Forwarded-For"}) || len(trailer) != 1 {
		t.Errorf("Strip of trailers dropped %q and left %v", dropped, trailer)
	}
}

// R5: a client that lists our header in Connection must not have it removed again (httputil.ReverseProxy removes those
// first and then calls Rewrite), and what it sends under that name must not arrive.
func TestConnectionListed_R5(t *testing.T) {
	var got http.Header
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer upstream.Close()
	target, _ := url.Parse(upstream.URL)
	headers, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	stripper := NewStripper(headers.Names()...)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripper.Strip(r.Header, false)
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			fields, _ := headers.Fields(auth.Principal{ID: "1", Username: "alice"})
			for _, f := range fields {
				p.Out.Header.Set(f.Name, f.Value)
			}
		}}).ServeHTTP(w, r)
	}))
	defer proxy.Close()

	req, _ := http.NewRequest("GET", proxy.URL, nil)
	req.Header = http.Header{"Connection": {"Remote-User, remote_user, close"}, "Remote-User": {"eve"}, "remote_user": {"eve"}, "ReMoTe_UsEr": {"eve"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for name, values := range got {
		if foldName(name) == "REMOTE_USER" && (name != "Remote-User" || !slices.Equal(values, []string{"alice"})) {
			t.Errorf("upstream got %s: %q", name, values)
		}
	}
	if got.Get("Remote-User") != "alice" {
		t.Errorf("upstream got %v, want Remote-User: alice", got)
	}
}

func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"Remote-User", "remote_user", "X\x00Remote-User", "x.webauth_user", "Forwarded", "X-Tenant", "-", "_", "ſ-user"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	headers, err := New(Options{Preset: "x-webauth", Headers: []Header{{"X-Tenant", "session:tenant"}}})
	if err != nil {
		f.Fatal(err)
	}
	s := NewStripper(headers.Names()...)
	// What an upstream may take for an identity header: any spelling that one of the usual foldings makes equal.
	identity := append(headers.Names(), "Remote-User", "Remote-Groups", "X-Remote-User", "X-Forwarded-User", "X-Auth-Request-Email", "X-Session-Token")
	f.Fuzz(func(t *testing.T, name string, trusted bool) {
		h := http.Header{name: {"eve"}, http.CanonicalHeaderKey(name): {"eve"}, "Accept": {"*/*"}}
		s.Strip(h, trusted)
		for left := range h {
			for _, id := range identity {
				if foldName(left) == foldName(id) || strings.EqualFold(left, id) {
					t.Errorf("%q is left, an upstream may read it as %s", left, id)
				}
			}
		}
		if h["Accept"] == nil {
			t.Errorf("with %q, Accept went too", name)
		}
	})
}

// browserHeaders are those of a usual navigation.
func browserHeaders() http.Header {
	h := http.Header{}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Cookie", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile",
		"Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Upgrade-Insecure-Requests", "User-Agent"} {
		h[name] = []string{"x"}
	}
	return h
}

func TestStripAllocates(t *testing.T) {
	s, h := NewStripper("X-Tenant"), browserHeaders()
	if n := testing.AllocsPerRun(100, func() { s.Strip(h, false) }); n != 0 {
		t.Errorf("Strip of a browser's headers allocates %v times, want none", n)
	}
}

func BenchmarkStrip(b *testing.B) {
	s, h := NewStripper("X-Tenant"), browserHeaders()
	b.ReportAllocs()
	for b.Loop() {
		s.Strip(h, false)
	}
}
