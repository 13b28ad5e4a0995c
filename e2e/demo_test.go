package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	p := serve(t, serveOptions{})
	if out, err := p.run(userPassword+"\n", "user", "add", "ada", "--password-stdin", "--email", "ada@example.com", "--first-name", "Ada",
		"--last-name", "Löwe", "--group", "editors,tea"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v := newVisitor(t, p.URL)
	v.login("ada", userPassword)

	t.Run("JSON", func(t *testing.T) {
		var got struct {
			Username, Name, Email string
			Groups                []string
			Headers               http.Header
		}
		res := v.do(v.request(http.MethodGet, "/", "", "Accept", "application/json", "Remote-User", "root", "X-Mine", "kept"))
		if err := json.Unmarshal([]byte(res.Text), &got); err != nil {
			t.Fatalf("%v\n%s", err, res.Text)
		}
		if got.Username != "ada" || got.Name != "Ada Löwe" || got.Email != "ada@example.com" || strings.Join(got.Groups, " ") != "editors tea" {
			t.Errorf("got %+v", got)
		}
		if got.Headers.Get("X-Mine") != "kept" || got.Headers.Get("X-Forwarded-Proto") != "http" || got.Headers.Get("X-Request-Id") == "" {
			t.Errorf("the demo received %v", got.Headers)
		}
		if got.Headers.Get("Cookie") != "" {
			t.Errorf("the demo received the cookie %q", got.Headers.Get("Cookie"))
		}
	})
	t.Run("HTML", func(t *testing.T) {
		page := v.get("/some/page?q=1").Text
		for _, want := range []string{"Hello, Ada Löwe", "<dd>ada</dd>", "<li>editors</li>", `action="/.auth/logout"`, "/some/page?q=1"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
	})
	t.Run("who am I", func(t *testing.T) {
		if got := v.fetch("/.auth/session"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, `"username":"ada"`) {
			t.Errorf("%s\n%s", got.Status, got.Text)
		}
	})
}
