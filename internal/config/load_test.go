package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	path := write(t, "listen: ':1'\ndata_dir: file\nauth_prefix: /file\nlog: {level: warn, format: text}\n")
	cfg := mustLoad(t, Options{
		Path:    path,
		Environ: []string{"COATCHECK_LISTEN=:2", "COATCHECK_DATA_DIR=environment", "COATCHECK_LOG={level: error}", "COATCHECK_LOG_LEVEL=debug", "PATH=/bin", "COATCHECK_UPSTREAM="},
		Flags:   FlagValues(map[string]string{"listen": ":3", "config": path}),
	})
	got := []string{cfg.Listen, cfg.DataDir, cfg.AuthPrefix, cfg.AdminListen, cfg.Log.Level, cfg.Log.Format}
	want := []string{":3", "environment", "/file", "127.0.0.1:9091", "debug", "text"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestServeFlags(t *testing.T) {
	var got []string
	for _, f := range ServeFlags() {
		got = append(got, f.Name+"="+f.Key)
	}
	want := []string{"listen=listen", "upstream=upstream", "data-dir=data_dir"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := Load(Options{Flags: map[string]any{"data_dir": "", "listn": "x", "listen": 8080}})
	want = []string{
		`--data-dir: data_dir: "" must name a directory`,
		`--listen: listen: "8080" has no colon: write ":" before the port, such as :8080`,
		`--listn: listn: unknown key; did you mean listen?`,
	}
	if d := cmp.Diff(strings.Join(want, "\n"), fmt.Sprint(err)); d != "" {
		t.Error(d)
	}
}

// Values that differ from the default, so that the test sees them arrive.
var otherValues = map[string]string{
	"users.table": "people", "users.columns.id": "a", "users.columns.username": "a", "users.columns.password": "a", "users.columns.email": "a", "users.columns.first_name": "a", "users.columns.last_name": "a", "users.columns.active": "a", "users.columns.staff": "a", "users.columns.superuser": "a", "users.columns.last_login": "a", "users.groups_query": "SELECT g FROM t WHERE id = :id", "users.query": "SELECT u AS username, p AS password FROM t WHERE u = :login", "users.url": "sqlite:u",
	"listen": ":9999", "admin_listen": ":9998", "data_dir": "/d", "public_url": "https://x.example", "trusted_proxies": "10.0.0.0/8, ::1",
	"auth_prefix": "/a", "secret_key": "k", "secret_key_fallbacks": "a,b", "first_user": "true", "shutdown_grace": "20", "fold_paths": "1", "fast_lane": "off",
	"upstream": "http://u:1", "routes": `[{"path": "/x", "upstream": "http://r:1"}]`, "database.url": "sqlite:x", "database.time_zone": "Europe/Berlin",
	"cache.url": "redis://h:1", "cache.ca_file": exampleFile, "session.engine": "file", "cache.key_prefix": "p", "cache.version": "2", "session.cookie_name": "c", "session.cookie_age": "1h", "session.cookie_domain": "x.example",
	"session.cookie_path": "/p", "session.cookie_secure": "true", "session.cookie_httponly": "false", "session.cookie_samesite": "strict",
	"session.expire_at_browser_close": "yes", "session.save_every_request": "on", "session.file_path": "/f", "session.near_cache": "off",
	"session.near_cache_entries": "7", "session.near_cache_bytes": "100", "database.triggers": "on", "session.idle_timeout": "5m", "session.max_lifetime": "1h", "session.max_per_user": "3", "session.preset": "aal2", "session.time_left_header": "X-Left", "users.password_formats": "argon2,md5", "users.upgrade_passwords": "false", "login.title": "T", "login.accent": "#123456", "login.templates": "/t", "users.password_validators": "length", "users.password_min_length": "9",
	"users.backends": "app.auth.EmailBackend,ldap.LDAPBackend",
	"login.logo":     exampleFile, "login.text": "t", "login.remember_me": "false", "login.max_attempts": "9", "login.hash_concurrency": "3",
	"identity.preset": "none", "identity.jwt.ttl": "5m", "identity.basic_auth.username": "u", "identity.basic_auth.username_from": "email",
	"identity.basic_auth.password": "p", "identity.headers": "[{name: X-A, value: id}]", "identity.group_separator": ";", "log.level": "warn", "log.format": "json", "log.audit": "stderr", "trace.accept": "trusted", "trace.create": "true",
	"tls.domains": "a.example", "tls.email": "a@a.example", "tls.ca": "https://a.example/dir", "tls.ca_root": "/r", "tls.cert_file": "/c", "tls.key_file": "/k",
	"tls.http_listen": ":81", "tls.hsts": "10", "tls.storage": "database", "tls.on_demand.ask": "https://a.example/ask", "tls.client_ca_file": exampleFile,
	"connection.dial_timeout": "1s", "connection.stall_timeout": "1m", "connection.idle_timeout": "1s", "connection.max_conns": "9", "connection.queue_timeout": "1s",
	"connection.server_name": "u.example", "fastcgi.root": "/srv", "fastcgi.index": "i.php", "fastcgi.fallback": "/i.php", "fastcgi.local": "true",
	"fastcgi.static": "true", "fastcgi.script": "/usr/lib/app.cgi", "fastcgi.static_endings": "css,txt", "fastcgi.buffer_body": "9", "fastcgi.keep_alive": "true", "fastcgi.keep_authorization": "true", "balance.policy": "round_robin", "balance.affinity_cookie": "c",
	"balance.max_fails": "2", "balance.fail_time": "2s", "balance.max_fail_time": "2m", "balance.slow_start": "1s", "balance.check.path": "/up", "balance.check.host": "u",
	"balance.check.interval": "1s", "balance.check.timeout": "1s", "session_api.listen": "127.0.0.1:9092",
}

// together are keys of which neither can be without the other.
var together = map[string]string{"tls.cert_file": "tls.key_file", "tls.key_file": "tls.cert_file"}

// Keys whose value is refused unless another key is given.
var refusedValues = map[string]string{
	"proxy_protocol": "true", "identity.jwt.header": "X-J", "tls.client_auth": "require", "log.audit_required": "true",
}

func TestEveryKeyByEnvironment(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	cache := filepath.Join(t.TempDir(), "cache")
	if err := errors.Join(os.WriteFile(secret, []byte("sqlite:from-a-file\n"), 0o600), os.WriteFile(cache, []byte("redis://from-a-file\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys() {
		t.Run(key, func(t *testing.T) {
			value, ok := otherValues[key]
			if strings.HasSuffix(key, "_file") && !strings.HasPrefix(key, "tls.") {
				value, ok = secret, true
			}
			switch key {
			case "cache.url_file":
				value = cache
			case "cache.ca_file", "connection.ca_file", "connection.cert_file", "connection.key_file":
				value = exampleFile
			}
			refused, isGap := refusedValues[strings.TrimSuffix(key, "_file")]
			if !isGap {
				refused, isGap = refusedValues[key]
			}
			if isGap && !strings.HasSuffix(key, "_file") {
				value = refused
			}
			if !ok && !isGap {
				t.Fatal("has no value in this test")
			}
			environ := []string{EnvName(key) + "=" + value}
			if with, found := together[key]; found {
				environ = append(environ, EnvName(with)+"=/x")
			}
			cfg, err := Load(Options{Environ: environ})
			if isGap {
				if !strings.Contains(fmt.Sprint(err), EnvName(key)+": "+key+": ") {
					t.Errorf("%s=%s: got %v, want a refusal that names both", EnvName(key), value, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s=%s: %v", EnvName(key), value, err)
			}
			if diff(mustLoad(t, Options{}), cfg) == "" {
				t.Errorf("%s=%s changed nothing", EnvName(key), value)
			}
		})
	}
}

func TestEnvironmentNamesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, v := range variables(table(), "") {
		if seen[v.name] != "" {
			t.Errorf("%s: both %s and %s", v.name, seen[v.name], v.key)
		}
		seen[v.name] = v.key
	}
}

func TestUnknownVariables(t *testing.T) {
	cases := []struct{ name, entry, want string }{
		{"typo", "COATCHECK_SESSION_COOKIE_AEG=1h", "COATCHECK_SESSION_COOKIE_AEG: unknown environment variable; did you mean COATCHECK_SESSION_COOKIE_AGE?"},
		{"no value of a mistyped secret is shown", "COATCHECK_SECRET_KYE=hunter2", "COATCHECK_SECRET_KYE: unknown environment variable; did you mean COATCHECK_SECRET_KEY?"},
		{"far from all", "COATCHECK_WEATHER_IN_SPRING=1", "COATCHECK_WEATHER_IN_SPRING: unknown environment variable"},
		{"empty", "COATCHECK_NONE=", ""},
		{"Kubernetes host", "COATCHECK_SERVICE_HOST=10.0.0.1", ""},
		{"Kubernetes port", "COATCHECK_PORT=tcp://10.0.0.1:8080", ""},
		{"Kubernetes named port", "COATCHECK_SERVICE_PORT_HTTP=8080", ""},
		{"Kubernetes second service", "COATCHECK_ADMIN_PORT_9091_TCP_ADDR=10.0.0.1", ""},
		{"not Kubernetes", "COATCHECK_LISTEN_PORT=8080", "COATCHECK_LISTEN_PORT: unknown environment variable"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(Options{Environ: []string{c.entry}})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s: got %q, want %q", c.entry, got, c.want)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	cfg := mustLoad(t, Options{Path: write(t, full)})
	if got := cfg.Routes[0].Upstream; !slices.Equal(got, cfg.Upstream) {
		t.Errorf("a route that names no upstream: got %q, want %q", got, cfg.Upstream)
	}
	if got := cfg.Routes[4].Upstream; len(got) != 0 {
		t.Errorf("a denied route: got upstream %q, want none", got)
	}
	admin, api := cfg.Routes[1].Identity, cfg.Routes[3].Identity
	if admin.Preset != "x-webauth" || len(admin.Headers) != 2 || admin.GroupSeparator != "," {
		t.Errorf("a partial override: got %+v", admin)
	}
	if api.Preset != "none" || len(api.Headers) != 0 || api.GroupSeparator != "|" {
		t.Errorf("an override with an empty list: got %+v", api)
	}
	if cfg.Routes[3].Host != "api.example.com" || !cfg.Routes[0].Touch {
		t.Errorf("got %+v", cfg.Routes[3])
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}; !slices.Equal(cfg.Routes[1].Networks, want) {
		t.Errorf("networks: got %v, want %v", cfg.Routes[1].Networks, want)
	}
	if cfg.PublicURL != "https://app.example.com" {
		t.Errorf("public_url: got %q, want no slash at the end", cfg.PublicURL)
	}
}

func TestUpstreamIsShortForOneRoute(t *testing.T) {
	for _, text := range []string{"", "upstream: http://127.0.0.1:3000", "routes: []"} {
		cfg := mustLoad(t, Options{Path: write(t, text)})
		want := []Route{{Path: "/", Access: "login", Touch: true, Upstream: cfg.Upstream, Timeout: 5 * time.Minute, Identity: cfg.Identity, Connection: cfg.Connection, FastCGI: cfg.FastCGI, Balance: cfg.Balance}}
		if d := cmp.Diff(want, cfg.Routes, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestDurations(t *testing.T) {
	good := map[string]time.Duration{
		"0": 0, "90": 90 * time.Second, "90s": 90 * time.Second, "12h": 12 * time.Hour, "14d": 336 * time.Hour, "1d12h": 36 * time.Hour,
		"1209600": 336 * time.Hour, "1.5h": 90 * time.Minute, "500ms": 500 * time.Millisecond, "36500d": longest,
	}
	for text, want := range good {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
		if again, err := parseDuration(durationText(got)); again != got || err != nil {
			t.Errorf("%q: written as %q and read as %v", text, durationText(got), again)
		}
	}
	for _, text := range []string{"", "-1", "-5s", "d", "1d-2h", "d5h", "5 s", "1.5", "1e9", "soon", "36501d", "99999999999999999999", "9223372036854775807", "9223372036854775807d", "1w"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.0/8": "10.0.0.0/8", "192.0.2.7": "192.0.2.7/32", "::1": "::1/128", "::ffff:192.0.2.7": "192.0.2.7/32", "0.0.0.0/0": "0.0.0.0/0"} {
		if got, err := parsePrefix(text); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10.0.0.5/8", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.0/104", "localhost", "10.0.0", "10.0.0.0/ 8"} {
		if got, err := parsePrefix(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestProblemsAreTyped(t *testing.T) {
	path := write(t, "session:\n  cooky_name: x\n")
	_, err := Load(Options{Path: path})
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got %T, want Problems", err)
	}
	want := Problems{{Key: "session.cooky_name", Source: path, Line: 2, Text: "unknown key", Nearest: "session.cookie_name"}}
	if d := cmp.Diff(want, problems); d != "" {
		t.Error(d)
	}
}

func TestMissingRoutesAreNotOpened(t *testing.T) {
	_, err := Load(Options{Path: write(t, "upstream: http://a:1\nroutes:\n  - path: /\n    users:\n      # - alice\n")})
	if !strings.Contains(fmt.Sprint(err), "routes[0].users: has no value") {
		t.Errorf("got %v, want users without a value refused", err)
	}
}

func TestURLs(t *testing.T) {
	checks := map[string]func(string) error{"database": databaseURL, "cache": cacheURL, "upstream": upstreamURL, "public": publicURL, "listen": listenOrSocket}
	cases := []struct {
		check, text string
		good        bool
	}{
		{"database", "sqlite:relative/path.db", true},
		{"database", "sqlite:/var/lib/my data/100%.db", true},
		{"database", "sqlite::memory:", false},
		{"database", "sqlite://host/path", false},
		{"database", "sqlite:", false},
		{"database", "SQLITE:x", false},
		{"database", "postgres://u:p%40@h:5432/name?sslmode=verify-full", true},
		{"database", "postgres:///name?host=/run/postgresql", true},
		{"database", "postgres:name", false},
		{"database", "mysql://u:p@h:3306/name", true},
		{"database", "mysql://u:p@h:x/name", false},
		{"cache", "memcached://h1:11211,h2:11211", true},
		{"cache", "redis-sentinel://h1:26379,h2:26379/mymaster/0", true},
		{"cache", "redis://", false},
		{"cache", "http://h", false},
		{"upstream", "http://[::1]:3000/base/", true},
		{"upstream", "HTTPS://app.internal", true},
		{"upstream", "unix:/run/app.sock", true},
		{"upstream", "http://", false},
		{"upstream", "http:127.0.0.1:3000", false},
		{"upstream", "127.0.0.1:3000", false},
		{"upstream", "http://h:0", false},
		{"upstream", "http://h:", false},
		{"upstream", "http://h:70000", false},
		{"upstream", "http://h/?q", false},
		{"upstream", "http://h/#f", false},
		{"upstream", "http://h h", false},
		{"upstream", "http://h\n", false},
		{"public", "https://app.example.com:8443/", true},
		{"public", "https://app.example.com/path", false},
		{"public", "//app.example.com", false},
		{"public", "javascript://x", false},
		{"listen", ":0", true},
		{"listen", "[::1]:8080", true},
		{"listen", "unix:/run/x.sock", true},
		{"listen", "::1:8080", false},
		{"listen", "[::1:8080", false},
		{"listen", "[127.0.0.1]:80", false},
		{"listen", "localhost", false},
		{"listen", ":http", false},
		{"listen", "unix:x.sock", false},
	}
	for _, c := range cases {
		t.Run(c.check+" "+c.text, func(t *testing.T) {
			if err := checks[c.check](c.text); (err == nil) != c.good {
				t.Errorf("got %v, want good %v", err, c.good)
			}
		})
	}
}

func TestEveryDefaultCanBeRead(t *testing.T) {
	check := func(key string, f field) {
		r := &reader{origins: map[string]origin{}}
		node, bad := parseYAML([]byte(f.initial))
		if bad != nil || node == nil {
			t.Errorf("%s: default %q is no YAML", key, f.initial)
			return
		}
		if r.value(f, key, node); len(r.problems) > 0 {
			t.Errorf("%s: default %q: %v", key, f.initial, r.problems)
		}
	}
	leaves(table(), "", check)
	leaves(routeFields(), "routes", check)
	if got := mustLoad(t, Options{}).Database.Location(); got != time.UTC {
		t.Errorf("time zone: got %v, want UTC", got)
	}
}

func TestEnvironmentForms(t *testing.T) {
	cases := []struct{ name, entry, want string }{
		{"JSON list", `COATCHECK_TRUSTED_PROXIES=["10.0.0.0/8", "::1"]`, "ok"},
		{"JSON routes", `COATCHECK_ROUTES=[{"path": "/", "upstream": "http://a:1"}]`, "ok"},
		{"YAML routes", "COATCHECK_ROUTES=- path: /\n  upstream: http://a:1\n", "ok"},
		{"bad item", "COATCHECK_TRUSTED_PROXIES=10.0.0.0/8,x", `COATCHECK_TRUSTED_PROXIES: trusted_proxies[1]: "x" is no network: write 10.0.0.0/8, 2001:db8::/32 or one address`},
		{"bad YAML", "COATCHECK_ROUTES=[{", "COATCHECK_ROUTES: routes: is no YAML: did not find expected node content"},
		{"no list", "COATCHECK_ROUTES=x", "COATCHECK_ROUTES: routes: must be a list: lines that begin with -"},
		{"unknown key within", "COATCHECK_LOG={levle: info}", "COATCHECK_LOG: log.levle: unknown key; did you mean log.level?"},
		{"not UTF-8", "COATCHECK_LOGIN_TITLE=\xff", "COATCHECK_LOGIN_TITLE: login.title: is not UTF-8 text"},
		{"auto", "COATCHECK_USERS_PASSWORD_FORMATS=auto", "ok"},
		{"wrong word", "COATCHECK_USERS_UPGRADE_PASSWORDS=atuo", `COATCHECK_USERS_UPGRADE_PASSWORDS: users.upgrade_passwords: "atuo" is not allowed: use auto, true or false; did you mean auto?`},
		{"two upstreams", "COATCHECK_UPSTREAM=http://a:1,http://b:1", "ok"},
		{"long value", "COATCHECK_LISTEN=" + strings.Repeat("x", 5000), `COATCHECK_LISTEN: listen: "` + strings.Repeat("x", 80) + `…" is no address to listen on: write host:port or :port, such as 127.0.0.1:8080 or [::1]:8080`},
		{"control characters", "COATCHECK_DATA_DIR=a\x1b[31mb", `COATCHECK_DATA_DIR: data_dir: "a\x1b[31mb" must name a directory`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := report(Options{Environ: []string{c.entry}}); got != c.want+"\n" {
				t.Errorf("%.80q\n got %s want %s", c.entry, got, c.want)
			}
		})
	}
}
