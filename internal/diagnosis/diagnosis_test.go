package diagnosis

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLogin(t *testing.T) {
	good := Setup{CookieName: "sessionid", CookiePath: "/", SameSite: "Lax", Secure: "auto", CookieAge: time.Hour}
	visit := Visit{Host: "app.example.com:8443", Secure: true, Path: "/reports"}
	for _, c := range []struct {
		name   string
		change func(*Setup, *Visit)
		want   []string
	}{
		{"nothing wrong here", func(*Setup, *Visit) {}, []string{CookiesRefused}},
		{"Secure by http", func(s *Setup, v *Visit) { s.Secure, v.Secure = "true", false }, []string{SecureOverHTTP}},
		{"auto by http", func(_ *Setup, v *Visit) { v.Secure = false }, []string{CookiesRefused}},
		{"__Host- by http", func(s *Setup, v *Visit) { s.CookieName, v.Secure = "__Host-s", false }, []string{SecureOverHTTP}},
		{"SameSite=None by http", func(s *Setup, v *Visit) { s.SameSite, v.Secure = "None", false }, []string{SameSiteNone}},
		{"SameSite=None by https", func(s *Setup, _ *Visit) { s.SameSite = "None" }, []string{CookiesRefused}},
		{"domain of another host", func(s *Setup, _ *Visit) { s.CookieDomain = "example.org" }, []string{Domain}},
		{"domain above", func(s *Setup, _ *Visit) { s.CookieDomain = ".example.com" }, []string{CookiesRefused}},
		{"domain that ends alike", func(s *Setup, _ *Visit) { s.CookieDomain = "ple.com" }, []string{Domain}},
		{"domain and an address", func(s *Setup, v *Visit) { s.CookieDomain, v.Host = "0.0.1", "127.0.0.1:8080" }, []string{Domain}},
		{"one label", func(s *Setup, _ *Visit) { s.CookieDomain = "com" }, []string{DomainSingle}},
		{"path elsewhere", func(s *Setup, _ *Visit) { s.CookiePath = "/app" }, []string{Path}},
		{"path that begins alike", func(s *Setup, v *Visit) { s.CookiePath, v.Path = "/app", "/apple" }, []string{Path}},
		{"path below", func(s *Setup, v *Visit) { s.CookiePath, v.Path = "/app/", "/app/x" }, []string{CookiesRefused}},
		{"another host", func(s *Setup, _ *Visit) { s.PublicURL = "https://www.example.com" }, []string{Host}},
		{"another scheme", func(s *Setup, v *Visit) { s.PublicURL, v.Secure = "https://app.example.com", false }, []string{Scheme}},
		{"cookie of nobody", func(_ *Setup, v *Visit) { v.Sent = 1 }, []string{SessionUnknown}},
		{"two cookies", func(_ *Setup, v *Visit) { v.Sent = 2 }, []string{SeveralCookies}},
		{"ends at once", func(s *Setup, v *Visit) { s.CookieAge, v.Sent = time.Second, 1 }, []string{LifetimeTooShort, SessionUnknown}},
		{"strict", func(s *Setup, v *Visit) { s.SameSite, v.CrossSite = "Strict", true }, []string{Strict}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, v := good, visit
			c.change(&s, &v)
			var got []string
			for _, f := range Login(s, v) {
				got = append(got, f.Name)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("Login(%+v, %+v): %s", s, v, d)
			}
		})
	}
}

func TestClocks(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for apart, want := range map[time.Duration]int{0: 0, 30 * time.Second: 0, -31 * time.Second: 1, time.Hour: 1} {
		if got := Clocks(now, now.Add(apart), "database"); len(got) != want {
			t.Errorf("%s apart: %v, want %d", apart, got, want)
		}
	}
}
