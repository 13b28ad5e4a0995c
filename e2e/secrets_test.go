package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"coatcheck/internal/testenv"
)

// A whole journey at level debug, with faults: no secret is in the log, the audit log, the metrics or what is printed (ASVS 16.2.5, 13.3.2).
func TestNoSecretIsTold_16_2_5(t *testing.T) {
	t.Parallel()
	database := testenv.PostgresServer(t)
	redis := testenv.Redis(t)
	s := newSettings(t, engine{session: "cached_db", hash: "md5"})
	s.secret = "the-secret-key-that-nobody-may-read-0123456789"
	s.fallbacks = []string{"a-former-secret-key-that-nobody-may-read-01234"}
	s.database, s.cache = database.URL, redis.URL
	s.extra = fmt.Sprintf(`log: {level: debug, audit: audit.log}
identity: {basic_auth: {username: app, password: the-password-of-the-application}}
routes:
  - {path: /, upstream: %[1]q}
  - {path: /scripts, upstream: %[1]q, basic: true}
  - {path: /gone, upstream: %[2]q}
`, newEcho(t).URL, "http://"+freeAddr(t))
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	v := newVisitor(t, p.URL)
	wrong := "a wrong guess of mine"
	v.post("/.auth/login", url.Values{"username": {"alice"}, "password": {wrong}})
	v.login("alice", userPassword)
	cookie := v.cookie("sessionid")
	basic := func(password string) {
		req := v.request(http.MethodGet, "/scripts", "")
		req.SetBasicAuth("alice", password)
		v.do(req)
	}
	journey := func() {
		v.get("/")
		v.get("/gone")
		v.fetch("/.auth/session")
		basic(userPassword)
		basic(wrong)
		visitorWith(t, p.URL, "0123456789abcdefghijklmnopqrstuv").get("/")
		visitorWith(t, p.URL, "not/a\\key").get("/")
		v.do(v.request(http.MethodGet, "/?password=in-the-query-of-a-client", "", "Authorization", "Bearer a-token-of-the-application", "X-Session-Token", "a-made-up-token"))
	}
	journey()
	p.configure(strings.Replace(s.yaml(), "secret_key:", "secret_kee: 1\nsecret_key:", 1))
	if p.reload() {
		t.Error("a configuration with an unknown key was loaded")
	}
	p.configure(s.yaml())
	p.reload()
	redis.Stop()
	journey()
	database.Stop()
	journey()
	newVisitor(t, p.URL).post("/.auth/login", url.Values{"username": {"alice"}, "password": {userPassword}})
	database.Start()
	redis.Start()
	soon(t, "the session is served again", func() bool { return v.fetch("/").StatusCode == http.StatusOK })
	v.logout()

	metrics := readAll(t, func() *http.Response { res, err := http.Get(p.Admin + "/metrics"); must(t, err); return res }().Body)
	ready := readAll(t, func() *http.Response { res, err := http.Get(p.Admin + "/readyz"); must(t, err); return res }().Body)
	shown, err := p.run("", "config", "show", "--config", "config.yaml")
	must(t, err)
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	audit, err := os.ReadFile(filepath.Join(p.dir, "audit.log"))
	must(t, err)
	if !strings.Contains(p.stderr.String(), "store_error") && !strings.Contains(string(audit), "store_error") || !strings.Contains(string(audit), "login_ok") {
		t.Error("the journey has not been told")
	}
	secrets := map[string]string{"secret key": s.secret, "former secret key": s.fallbacks[0], "session key": cookie, "password": userPassword, "wrong password": wrong,
		"application's password": "the-password-of-the-application", "database password": passwordOf(t, s.database), "cache password": passwordOf(t, s.cache),
		"query": "in-the-query-of-a-client", "client's token": "a-token-of-the-application", "session token": "a-made-up-token", "guessed key": "0123456789abcdefghijklmnopqrstuv"}
	for where, text := range map[string]string{"log": p.stderr.String(), "standard output": p.stdout.String(), "audit log": string(audit), "metrics": metrics,
		"readiness": ready, "config show": shown} {
		for what, secret := range secrets {
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("the %s is in the %s: …%s…", what, where, text[max(0, i-120):min(len(text), i+len(form)+20)])
					break
				}
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func passwordOf(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	must(t, err)
	password, ok := u.User.Password()
	if !ok {
		t.Fatal("the URL has no password")
	}
	return password
}
