package config

import (
	"strings"
	"testing"
)

func TestConflicts(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Config)
		want   string // the key of the one problem; empty: none
	}{
		{"certificate without key", func(c *Config) { c.TLS.CertFile = "c" }, "tls.cert_file"},
		{"certificate and key", func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile = "c", "k" }, ""},
		{"certificate and domains", func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile, c.TLS.Domains = "c", "k", []string{"d"} }, "tls.domains"},
		{"3.3.1 tls and an insecure cookie", func(c *Config) { c.TLS.Domains, c.Session.CookieSecure = []string{"d"}, "false" }, "session.cookie_secure"},
		{"certificates in a cache that is none", func(c *Config) { c.TLS.Storage = "redis" }, "tls.storage"},
		{"certificates in memcached", func(c *Config) { c.TLS.Storage, c.Cache.URL = "redis", NewSecret("memcached://h:1") }, "tls.storage"},
		{"certificates in Redis", func(c *Config) { c.TLS.Storage, c.Cache.URL = "redis", NewSecret("redis://h:1") }, ""},
		{"on demand and files", func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile, c.TLS.OnDemand.Ask = "c", "k", "https://a.test/" }, "tls.on_demand.ask"},
		{"on demand by routes without hosts", func(c *Config) { c.TLS.OnDemand.Ask = "routes" }, "tls.on_demand.ask"},
		{"on demand by routes", func(c *Config) { c.TLS.OnDemand.Ask, c.Routes[0].Host = "routes", "a.test" }, ""},
		{"clients without authority", func(c *Config) { c.TLS.Domains, c.TLS.ClientAuth = []string{"d"}, "require" }, "tls.client_auth"},
		{"clients without tls", func(c *Config) { c.TLS.ClientCA, c.TLS.ClientAuth = "f", "require" }, "tls.client_auth"},
		{"engine cache without cache", func(c *Config) { c.Session.Engine = "cache" }, "session.engine"},
		{"engine cached_db with cache", func(c *Config) { c.Session.Engine, c.Cache.URL = "cached_db", NewSecret("redis://h:1") }, ""},
		{"no password column", func(c *Config) { c.Users.Columns.Password = "" }, "users.columns.password"},
		{"no email column", func(c *Config) { c.Users.Columns.Email = "" }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := mustLoad(t, Options{})
			c.change(&cfg)
			l := &loading{}
			l.check(&cfg)
			var keys []string
			for _, p := range l.problems {
				keys = append(keys, p.Key)
			}
			if got := strings.Join(keys, " "); got != c.want {
				t.Errorf("got problems %q, want %q", got, c.want)
			}
		})
	}
}

func TestCookiePrefix_3_3_1(t *testing.T) {
	good := "public_url: https://a.example\nsession: {cookie_name: __Host-sessionid}\n"
	if got := report(Options{Path: write(t, good)}); got != "ok\n" {
		t.Errorf("one setting away: got %s", got)
	}
	if got := report(Options{Path: write(t, "session: {cookie_name: __host-x}")}); !strings.HasPrefix(got, "ok\nwarning: ") {
		t.Errorf("without an https public_url: got %s, want a warning", got)
	}
}

func TestIdentifiers_1_2_4(t *testing.T) {
	for _, name := range []string{"auth_user", "Users", "app.people", "_x$1"} {
		if err := identifier(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", `a"`, "a`", "a;b", "a'b", "a--", "1a", "a.b.c", "a.", "é", "a\x00", strings.Repeat("a", 64)} {
		if identifier(name) == nil {
			t.Errorf("%q: got no error", name)
		}
	}
}

// Names that an upstream would fold into another one, or that belong to HTTP itself, are no identity headers.
func TestHeaderNames_4_1_3(t *testing.T) {
	for _, name := range []string{"Remote-User", "X-1", "x"} {
		if err := headerName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "Remote_User", "X.User", "X User", "X:", "X\n", "-X", "1X", "Host", "cookie", "X-Forwarded-For", strings.Repeat("x", 129)} {
		if headerName(name) == nil {
			t.Errorf("%q: got no error", name)
		}
	}
}

func TestAdminListenerIsLocal_13_4_2(t *testing.T) {
	for address, warned := range map[string]bool{"127.0.0.1:1": false, "localhost:1": false, "[::1]:1": false, `""`: false, ":1": true, "0.0.0.0:1": true, "192.0.2.1:1": true} {
		got := report(Options{Path: write(t, "admin_listen: '"+strings.Trim(address, `"`)+"'")})
		if strings.Contains(got, "warning") != warned || !strings.HasPrefix(got, "ok\n") {
			t.Errorf("%s: got %s, want a warning: %v", address, got, warned)
		}
	}
}

func TestLoops(t *testing.T) {
	cases := []struct {
		upstream, listen string
		want             bool
	}{
		{"http://127.0.0.1:8080", ":8080", true},
		{"http://localhost:8080/x", "0.0.0.0:8080", true},
		{"http://[::1]:8080", "[::1]:8080", true},
		{"http://app:80", "app:80", true},
		{"http://localhost", ":80", true},
		{"http://127.0.0.1:3000", ":8080", false},
		{"http://127.0.0.1:8080", "192.0.2.1:8080", false},
		{"http://app:8080", ":8080", false},
		{"unix:/run/app.sock", ":8080", false},
	}
	for _, c := range cases {
		if got := loops(c.upstream, c.listen); got != c.want {
			t.Errorf("%s behind %s: got %v, want %v", c.upstream, c.listen, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"listen", "upstream", "routes", "cookie_name", "cookie_age"}
	for word, want := range map[string]string{"lisen": "listen", "lsiten": "listen", "LISTEN": "listen", "cooky_name": "cookie_name", "cookieage": "cookie_age", "x": "", "": "", "weather": "", strings.Repeat("listen", 50): ""} {
		if got := nearest(word, keys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
