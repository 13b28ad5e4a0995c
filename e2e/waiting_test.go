package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// The proxy starts without its database, serves what is public, and is ready within seconds of the database's arrival (F01).
func TestStartsBeforeItsDatabase_F01(t *testing.T) {
	server := testenv.PostgresServer(t)
	server.Stop()
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(app.Close)
	p := serve(t, serveOptions{Config: `
upstream: ` + app.URL + `
database: {url: "` + server.URL + `"}
first_user: true
routes:
  - {path: /}
  - {path: /public, access: public}
`})
	v := newVisitor(t, p.URL)
	res := v.do(v.request("GET", "/", "", "Cookie", "sessionid=0123456789abcdefghijklmnopqrstuv"))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("protected: got %s, Retry-After %q, Set-Cookie %q; want 503, seconds, none", res.Status, res.Header.Get("Retry-After"), res.Header.Get("Set-Cookie"))
	}
	if res := v.get("/public"); res.StatusCode != http.StatusOK {
		t.Errorf("public: got %s, want 200", res.Status)
	}
	if res := newVisitor(t, p.Admin).get("/readyz"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %s, want 503", res.Status)
	}

	server.Start()
	for deadline := time.Now().Add(30 * time.Second); newVisitor(t, p.Admin).get("/readyz").StatusCode != http.StatusOK || p.stdout.String() == ""; {
		if time.Now().After(deadline) {
			t.Fatalf("not ready after the database came")
		}
		time.Sleep(50 * time.Millisecond)
	}
	v.login("admin", p.firstPassword())
	if res := v.fetch("/"); res.StatusCode != http.StatusOK {
		t.Errorf("after the login: got %s, want 200", res.Status)
	}
}
