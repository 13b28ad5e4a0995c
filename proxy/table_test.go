package proxy

import (
	"fmt"
	"testing"
)

func tableOf(t testing.TB, fold bool, routes ...Route) *table {
	t.Helper()
	var all []*route
	for _, from := range routes {
		r, err := newRoute(from)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	table, err := newTable(all, fold)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLookup(t *testing.T) {
	table := tableOf(t, false,
		Route{Path: "/"}, Route{Path: "/api"}, Route{Path: "/api/v1/", Methods: []string{"GET"}}, Route{Path: "/api/v1", Methods: []string{"POST", "PUT"}},
		Route{Path: "/x/y/z"}, Route{Host: "Admin.Example.com.", Path: "/panel"}, Route{Host: "admin.example.com:8443", Path: "/"},
		Route{Host: "only.example.com", Path: "/only"},
	)
	for _, c := range []struct{ host, path, method, want string }{
		{"app", "/", "GET", "/"},
		{"app", "/apis", "GET", "/"},
		{"app", "/api", "GET", "/api"},
		{"app", "/api/", "GET", "/api"},
		{"app", "/api/v1", "GET", "/api/v1/"},
		{"app", "/api/v1", "HEAD", "/api/v1/"},
		{"app", "/api/v1/users/7", "PUT", "/api/v1"},
		{"app", "/api/v1/users", "DELETE", "/api"},
		{"app", "/api/v1/users", "get", "/api"},
		{"app", "/api/v10", "GET", "/api"},
		{"app", "/x/y", "GET", "/"},
		{"app", "/x/y/z/", "GET", "/x/y/z"},
		{"app", "/API", "GET", "/"},
		{"admin.example.com", "/panel/x", "GET", "Admin.Example.com./panel"},
		{"admin.example.com", "/api", "GET", "admin.example.com:8443/"},
		{"only.example.com", "/only", "GET", "only.example.com/only"},
		{"only.example.com", "/api", "GET", "/api"},
	} {
		var allow []string
		got := table.lookup(c.host, c.path, c.method, &allow)
		if got == nil || got.name() != c.want {
			t.Errorf("lookup(%s, %s, %s) = %v, want %s", c.host, c.path, c.method, got, c.want)
		}
	}
}

func TestLookupDefaultDeny_8_2_1(t *testing.T) {
	table := tableOf(t, false, Route{Path: "/app", Methods: []string{"GET"}})
	for _, c := range []struct {
		path, method string
		allowed      int
	}{{"/", "GET", 0}, {"/ap", "GET", 0}, {"/application", "GET", 0}, {"/app/x", "POST", 1}} {
		var allow []string
		if got := table.lookup("h", c.path, c.method, &allow); got != nil || len(allow) != c.allowed {
			t.Errorf("lookup(%s %s) = %v, allow %q", c.method, c.path, got, allow)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	for _, routes := range [][]Route{
		{{Path: "x"}}, {{Path: "/a/../b"}}, {{Path: "//a"}}, {{Path: "/a."}}, {{Path: "/a;b"}}, {{Path: `/a\b`}}, {{Path: "/a%20b"}}, {{Path: "/a?b"}},
		{{Path: "/a#b"}}, {{Path: "/a\x00"}}, {{Path: "/ｆull"}}, {{Host: "a b"}}, {{Host: "a/b"}}, {{Host: "a:0"}},
		{{Path: "/a"}, {Path: "/a/"}}, {{Path: "/a", Methods: []string{"GET", "PUT"}}, {Path: "/a", Methods: []string{"PUT"}}},
	} {
		var all []*route
		for _, r := range routes {
			all = append(all, &route{Route: r})
		}
		if _, err := newTable(all, false); err == nil {
			t.Errorf("routes %+v were accepted", routes)
		}
	}
}

func TestHostName_R2(t *testing.T) {
	for in, want := range map[string]string{
		"Example.COM": "example.com", "example.com:8080": "example.com", "example.com.": "example.com", "my_host-1": "my_host-1", "127.0.0.1:80": "127.0.0.1",
		"[::1]:80": "[::1]", "[::1]": "[::1]", "xn--caf-dma.fr": "xn--caf-dma.fr",
		"": "", "a b": "", "a,b": "", "user@host": "", "a:": "", "a:0": "", "a:65536": "", "a:+80": "", "a:b": "", "::1": "", "[::1": "", "[::1]x": "", "[1.2.3.4]": "",
		"[fe80::1%25eth0]": "", ".a": "", "a..b": "", "a..": "", "a..:80": "", "a%2e": "", "a/b": "", "café": "", ".": "", "a;b": "", ":80": "",
	} {
		if got, ok := hostName(in); ok != (want != "") || ok && got != want {
			t.Errorf("hostName(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestForwardPath(t *testing.T) {
	for _, c := range []struct{ base, prefix, raw, want string }{
		{"", "/app", "/app", "/"}, {"", "/app", "/app/", "/"}, {"", "/app/", "/app/x", "/x"}, {"", "/app", "/%61pp/x%2Fy", "/x%2Fy"},
		{"", "/a/b", "/a/b/c", "/c"}, {"", "/", "/x", "/x"}, {"/base", "/app", "/app/x", "/base/x"}, {"/base/", "/app", "/app", "/base/"},
		{"", "/app", "/app//x", "//x"},
	} {
		g := &route{Route: Route{Path: c.prefix, StripPrefix: true, Upstream: fixed("http://h" + c.base)}}
		g, err := newRoute(g.Route)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.forwardPath(c.raw); got != c.want {
			t.Errorf("base %q, prefix %q: forwardPath(%q) = %q, want %q", c.base, c.prefix, c.raw, got, c.want)
		}
	}
}

func BenchmarkRoute(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			routes := []Route{{Path: "/"}}
			for i := range n {
				routes = append(routes, Route{Path: fmt.Sprintf("/team%d/app%d", i%100, i)})
			}
			table := tableOf(b, false, routes...)
			path := fmt.Sprintf("/team%d/app%d/static/logo.png", (n/2)%100, n/2)
			b.ReportAllocs()
			for b.Loop() {
				var allow []string
				if table.lookup("app.example.com", path, "GET", &allow) == nil {
					b.Fatal("no route")
				}
			}
		})
	}
}
