package doctor_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"coatcheck/internal/doctor"
)

// What the configuration alone tells.
func TestConfigured(t *testing.T) {
	const https = "public_url: https://app.example.com\ntrusted_proxies: [10.0.0.1]\n"
	for _, c := range []struct {
		name, yaml, look string
		want             []string
	}{
		{"nothing wrong", https, "cookie", nil},
		{"3.3.1 Secure by http", "public_url: http://app.example.com\nsession: {cookie_secure: true}", "cookie", []string{"problem session.cookie_secure: http"}},
		{"3.3.1 __Host- by http", "public_url: http://app.example.com\nsession: {cookie_name: __Host-s}", "cookie", []string{"problem session.cookie_secure: http"}},
		{"3.3.2 SameSite=None without Secure", "public_url: http://app.example.com\nsession: {cookie_samesite: None}", "cookie", []string{"problem session.cookie_samesite: drop"}},
		{"3.3.4 HttpOnly off", https + "session: {cookie_httponly: false}", "cookie", []string{"warning session.cookie_httponly: scripts"}},
		{"domain of another host", https + "session: {cookie_domain: example.org}", "cookie", []string{"problem session.cookie_domain: app.example.com is not within"}},
		{"domain above", https + "session: {cookie_domain: example.com}", "cookie", nil},
		{"public suffix", "public_url: https://shop.co.uk\nsession: {cookie_domain: co.uk}", "cookie", []string{"problem session.cookie_domain: co.uk is a public suffix"}},
		{"domain of one label", "public_url: https://app.intern\nsession: {cookie_domain: intern}", "cookie", []string{"problem session.cookie_domain: public suffix"}},
		{"domain of an intranet", "public_url: https://a.corp.intern\nsession: {cookie_domain: corp.intern}", "cookie", nil},
		{"domain is an address", "public_url: https://192.0.2.1\nsession: {cookie_domain: 192.0.2.1}", "cookie", []string{"warning session.cookie_domain: address"}},
		{"path", https + "session: {cookie_path: /app}", "cookie", []string{"problem session.cookie_path: nobody can log out"}},
		{"lifetime", "session: {cookie_age: 12}", "lifetime", []string{"problem session.cookie_age: 12s"}},
		{"idle", "session: {idle_timeout: 30}", "lifetime", []string{"problem session.idle_timeout: 30s"}},
		{"short lifetime", "session: {max_lifetime: 8}", "lifetime", []string{"problem session.max_lifetime: 8s"}},
		{"idle beyond lifetime", "session: {idle_timeout: 2h, max_lifetime: 1h}", "lifetime", []string{"warning session.idle_timeout: longer"}},
		{"usual lifetimes", "session: {idle_timeout: 1h, max_lifetime: 24h}", "lifetime", nil},
		{"https by whom", "public_url: https://app.example.com", "public_url", []string{"warning trusted_proxies: not believed"}},
		{"https behind a proxy", https, "public_url", nil},
		{"public_url http, tls on", "public_url: http://a.example\ntls: {domains: [a.example]}", "public_url", []string{"problem public_url: tls is on"}},
		{"no certificate for public_url", "public_url: https://b.example\ntls: {domains: [a.example]}", "public_url", []string{"problem tls.domains: b.example"}},
		{"everybody is a proxy", "trusted_proxies: [10.0.0.0/8, 0.0.0.0/0, '::/0']", "trusted_proxies",
			[]string{"problem trusted_proxies[1]: 0.0.0.0/0 is nearly everybody", "problem trusted_proxies[2]: ::/0"}},
		{"own networks", "trusted_proxies: [10.0.0.0/8, 'fd00::/16']", "trusted_proxies", nil},
		{"said once", "trusted_proxies: [0.0.0.0/0]", "configuration", nil},
		{"nobody is told", "upstream: http://127.0.0.1:1\nidentity: {preset: none}", "identity", []string{"warning routes[0].identity: not told"}},
		{"told by a header", "upstream: http://127.0.0.1:1\nidentity: {preset: none, headers: [{name: X-User, value: username}]}", "identity", nil},
		{"a Django that shares the session", "upstream: http://127.0.0.1:1\nidentity: {preset: none}\nroutes: [{path: /, share_session: true}]", "identity", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := admit(t, c.yaml)
			p.Config.Upstream = nil // is not to be asked here
			for i := range p.Config.Routes {
				if c.look != "identity" {
					p.Config.Routes[i].Upstream = nil
				}
			}
			p.Reach = silent
			expect(t, p, c.look, c.want...)
		})
	}
}

func TestPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := admit(t, "")
	expect(t, p, "listen")
	p.Config.Listen = l.Addr().String()
	expect(t, p, "listen", "problem listen: is in use, and no coatcheck answers")
	p.Running = func(context.Context) bool { return true }
	expect(t, p, "listen")
	p.Config.AdminListen = "192.0.2.1:9091"
	expect(t, p, "listen", "problem admin_listen: cannot listen on 192.0.2.1:9091")
}

func TestFiles_13_3_2(t *testing.T) {
	p := admit(t, "")
	expect(t, p, "files")
	mode := func(path string, mode os.FileMode) string {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	p.KeyFile = mode(filepath.Join(p.Config.DataDir, "secret_key"), 0o640)
	expect(t, p, "files", "problem data_dir: secret_key is open to other users (mode 0640)")
	p.KeyFile = mode(p.KeyFile, 0o600)
	p.ConfigPath = mode(filepath.Join(t.TempDir(), "config.yaml"), 0o644)
	expect(t, p, "files", "problem secret_key: config.yaml is open")
	p.ConfigPath = mode(p.ConfigPath, 0o600)
	mode(filepath.Join(p.Config.DataDir, "coatcheck.sqlite3"), 0o644)
	expect(t, p, "files", "problem data_dir: coatcheck.sqlite3 is open")
	p.Config.DataDir = filepath.Join(t.TempDir(), "not", "yet")
	expect(t, p, "files")
	if _, err := os.Stat(p.Config.DataDir); err == nil {
		t.Error("the doctor made data_dir")
	}
}

func TestBlocked(t *testing.T) {
	p := admit(t, "")
	p.Blocked = []doctor.Finding{{Check: "open", Level: doctor.Problem, Key: "users", Seen: "it cannot be opened", Advice: "correct it"}}
	expect(t, p, "open", "problem users: cannot be opened")
}
