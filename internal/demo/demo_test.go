package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func get(t *testing.T, opts Options, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest("GET", "/reports?q=<i>", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	New(opts).ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestPage(t *testing.T) {
	res, page := get(t, Options{AuthPrefix: "/sso"}, "Accept", "text/html", "Remote-User", "alice", "Remote-Name", "Alice Liddell",
		"Remote-Email", "alice@example.com", "Remote-Groups", "admins,tea party", "X-Twice", "one", "X-Twice", "two")
	for _, want := range []string{"Hello, Alice Liddell", "<dd>alice</dd>", "<li>admins</li>", "<li>tea party</li>", `method="post" action="/sso/logout"`,
		`class="ours"><th scope="row">Remote-User</th><td>alice</td>`, "<td>one</td>", "<td>two</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	if got := res.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestPageOfNobody(t *testing.T) {
	_, page := get(t, Options{}, "Accept", "text/html")
	if !strings.Contains(page, "Hello, stranger") || !strings.Contains(page, `href="/.auth/login"`) || strings.Contains(page, "<form") {
		t.Errorf("page of nobody:\n%s", page)
	}
}

func TestEscaping_1_2_1(t *testing.T) {
	res, page := get(t, Options{}, "Accept", "text/html", "Remote-User", "<b>alice", "X-Hostile", "<script>alert(1)</script>", "Remote-Groups", "<i>")
	for _, hostile := range []string{"<b>alice", "<script", "<i>"} {
		if strings.Contains(page, hostile) {
			t.Errorf("the page holds %q unescaped:\n%s", hostile, page)
		}
	}
	if got := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("Content-Security-Policy %q", got)
	}
}

func TestJSON(t *testing.T) {
	res, text := get(t, Options{}, "Accept", "application/json", "Remote-User", "alice", "Remote-Groups", "a,b", "X-One", "1")
	var got struct {
		Username string
		Groups   []string
		Path     string
		Headers  http.Header
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if got.Username != "alice" || got.Path != "/reports?q=<i>" || got.Headers.Get("X-One") != "1" {
		t.Errorf("answer %s", text)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Groups); diff != "" {
		t.Error(diff)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if _, text := get(t, Options{}, "Accept", "application/json"); !strings.Contains(text, `"groups": []`) {
		t.Errorf("nobody's groups are no list: %s", text)
	}
}
