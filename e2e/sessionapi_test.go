package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// apiClient is an application's side of the session API.
type apiClient struct {
	base   string
	client *http.Client
}

func newAPIClient(listen string) apiClient {
	path, isSocket := strings.CutPrefix(listen, "unix:")
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	if isSocket {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		listen = "socket"
	}
	return apiClient{"http://" + listen, &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

func (c apiClient) call(token, method, path, body string) (status int, text string) {
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	read, _ := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSuffix(string(read), "\n")
}

// puppet is an application that does with the session API what the query says (method, path, body), and answers with what came of it. Of several
// APIs it uses one after the other.
func puppet(t *testing.T, apis ...apiClient) (url string, tokens *sync.Map) {
	t.Helper()
	tokens = &sync.Map{}
	var calls atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Session-Token")
		tokens.Store(r.URL.Query().Get("note"), token)
		q := r.URL.Query()
		if !q.Has("method") {
			_ = json.NewEncoder(w).Encode(r.Header)
			return
		}
		api := apis[int(calls.Add(1))%len(apis)]
		status, text := api.call(token, q.Get("method"), q.Get("path"), q.Get("body"))
		fmt.Fprintf(w, "%d %s", status, text)
	}))
	t.Cleanup(app.Close)
	return app.URL, tokens
}

func api(method, path, body string) string {
	return "/?method=" + method + "&path=" + path + "&body=" + body
}

// J2: requests to two proxies, each of which lets the application write a name of its own through either API, while both proxies write the session at
// each request. Nothing that was acknowledged is lost.
func TestSessionAPI_F12_J2(t *testing.T) {
	const writers, each = 8, 6
	forEachEngine(t, func(t *testing.T, e engine) {
		if e.cookie {
			return // refused by the configuration
		}
		listens := []string{freeAddr(t), "unix:" + filepath.Join(t.TempDir(), "api.sock")}
		app, _ := puppet(t, newAPIClient(listens[0]), newAPIClient(listens[1]))
		s := newSettings(t, e.cheap())
		s.session = []string{"save_every_request: true"}
		var proxies []*process
		for _, listen := range listens {
			s.extra = fmt.Sprintf("log: {level: warn}\nsession_api: {listen: %q}\nroutes:\n  - {path: /, upstream: %q, access: optional, session_api: true}\n", listen, app)
			proxies = append(proxies, serve(t, serveOptions{Config: s.yaml()}))
		}
		if info, err := os.Stat(strings.TrimPrefix(listens[1], "unix:")); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("socket: %v, %v", info, err)
		}
		proxies[0].addUser("alice")
		v := newVisitor(t, proxies[0].URL)
		v.login("alice", userPassword)
		cookie := v.cookie("sessionid")
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				mine := visitorWith(t, proxies[w%2].URL, cookie)
				for i := range each {
					if a := mine.fetch(api("PUT", fmt.Sprintf("/session/w%d.%d", w, i), "1")); !strings.HasPrefix(a.Text, "201 ") {
						t.Errorf("writer %d: %s %s", w, a.Status, a.Text)
					}
				}
			})
		}
		group.Wait()
		a := v.fetch(api("GET", "/session", ""))
		var got struct{ Data map[string]int }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(a.Text, "200 ")), &got); err != nil || len(got.Data) != writers*each {
			t.Errorf("%d of %d names are there, %v: %s", len(got.Data), writers*each, err, a.Text)
		}
		// An anonymous visitor's session, begun through the other process's API.
		for _, p := range proxies {
			for range 2 {
				visitor := newVisitor(t, p.URL)
				if a := visitor.fetch(api("PUT", "/session/cart", "5")); !strings.HasPrefix(a.Text, "201 ") || visitor.cookie("sessionid") == "" {
					t.Errorf("first PUT: %s %s, cookie %q", a.Status, a.Text, visitor.cookie("sessionid"))
				}
				if a := visitor.fetch(api("GET", "/session/cart", "")); a.Text != "200 5" {
					t.Errorf("then: %s", a.Text)
				}
			}
		}
	})
}

// Tokens end with their session; what the application does to the session shows in the browser's cookie.
func TestSessionAPILife(t *testing.T) {
	t.Parallel()
	listen := freeAddr(t)
	client := newAPIClient(listen)
	app, tokens := puppet(t, client)
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = fmt.Sprintf(`session_api: {listen: %q}
routes:
  - {path: /, upstream: %q, access: optional, session_api: true}
  - {path: /closed, upstream: %q, access: optional}
  - {path: /visits, upstream: %q, access: optional, anonymous_session: true, identity: {headers: [{name: X-Visitor-Id, value: visitor}, {name: X-Cart, value: "session:cart"}]}}
`, listen, app, app, app)
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	p.addUser("bob")
	tokenOf := func(note string) string {
		token, _ := tokens.Load(note)
		text, _ := token.(string)
		return text
	}
	v := newVisitor(t, p.URL)
	v.do(v.request("GET", "/closed?note=closed", "", "X-Session-Token", "forged"))
	if got := tokenOf("closed"); got != "" {
		t.Errorf("4.1.3: a token %q on a route without session_api", got)
	}
	v.do(v.request("GET", "/?note=anonymous", "", "X-Session-Token", "forged", "X_Session_Token", "forged"))
	if got := tokenOf("anonymous"); got == "" || strings.Contains(got, "forged") {
		t.Errorf("4.1.3: token %q", got)
	}
	if status, text := client.call(tokenOf("anonymous"), "PUT", "/session/cart", "1"); status != 409 {
		t.Errorf("a first PUT after the answer: %d %s", status, text)
	}
	v.fetch(api("PUT", "/session/cart", `"apples"`))
	v.fetch("/?note=before")
	status, _ := client.call(tokenOf("before"), "GET", "/session/cart", "")
	v.login("alice", userPassword)
	after, text := client.call(tokenOf("before"), "PUT", "/session/cart", "1")
	if status != 200 || after != 401 || !strings.Contains(text, "new key since a login") {
		t.Errorf("7.2.4: token from before the login: %d, then %d %s", status, after, text)
	}
	v.fetch("/?note=in")
	a := v.fetch(api("PUT", "/expiry", "0"))
	if line := sessionLine(t, a.Response); strings.Contains(line, "Max-Age") || !strings.Contains(line, v.cookie("sessionid")) {
		t.Errorf("the cookie after expiry 0: %s", line)
	}
	v.logout()
	if status, _ := client.call(tokenOf("in"), "PUT", "/session/cart", "1"); status != 401 {
		t.Errorf("7.4.1: token after the logout: %d", status)
	}
	v.login("alice", userPassword)
	if a := v.fetch(api("DELETE", "/session", "")); !strings.HasPrefix(a.Text, "204") || v.cookie("sessionid") != "" {
		t.Errorf("flush: %s, cookie %q", a.Text, v.cookie("sessionid"))
	}
	soon(t, "the flush is in the log", func() bool { return len(p.events("logout")) >= 2 })
	t.Run("visitor id", func(t *testing.T) { visitorIDs(t, p) })
	if got := p.stderr.String(); strings.Contains(got, tokenOf("in")) || strings.Contains(got, "apples") {
		t.Error("16.2.5: the log holds a token or a value")
	}
	if n := p.metrics()[`coatcheck_session_api_call_duration_seconds_count{code="4xx",method="PUT"}`]; n < 3 {
		t.Errorf("metrics: %v refused PUTs", n)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func visitorIDs(t *testing.T, p *process) {
	v := newVisitor(t, p.URL)
	seen := func(as *visitor) http.Header {
		t.Helper()
		var h http.Header
		a := as.do(as.request("GET", "/visits", "", "Accept", "application/json", "X-Visitor-Id", "forged", "X_Visitor_Id", "forged"))
		if err := json.Unmarshal([]byte(a.Text), &h); err != nil {
			t.Fatal(err, a.Text)
		}
		return h
	}
	id := seen(v).Get("X-Visitor-Id")
	if len(id) != 32 || id == v.cookie("sessionid") || v.cookie("sessionid") == "" {
		t.Fatalf("id %q, cookie %q", id, v.cookie("sessionid"))
	}
	v.fetch(api("PUT", "/session/cart", `"apples"`))
	if h := seen(v); h.Get("X-Visitor-Id") != id || h.Get("X-Cart") != "apples" {
		t.Errorf("again: %v", h)
	}
	v.login("alice", userPassword)
	if h := seen(v); h.Get("X-Visitor-Id") != id || h.Get("Remote-User") != "alice" || h.Get("X-Cart") != "apples" {
		t.Errorf("after the login: %v", h)
	}
	v.login("bob", userPassword)
	if h := seen(v); h.Get("X-Visitor-Id") == id || h.Get("X-Visitor-Id") == "" || h.Get("X-Cart") != "" {
		t.Errorf("after another user's login: %v", h)
	}
	if other := seen(newVisitor(t, p.URL)).Get("X-Visitor-Id"); other == id || len(other) != 32 {
		t.Errorf("another visitor: %q", other)
	}
}
