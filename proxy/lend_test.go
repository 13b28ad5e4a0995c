package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/proxy/sessionapi"
	"coatcheck/sessionstore"
)

// lendRig is a rig whose application uses the session API: do is called with the token of each request.
func lendRig(t *testing.T, do func(call func(method, path, body string) int)) *rig {
	t.Helper()
	tokens, err := sessionapi.NewTokens(signing.Keys{Secret: "secret"}, sessionapi.NewVisits(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	g := newRig(t, settings{tokens: tokens, logins: scripts{}, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeOptional}, SessionAPI: true, Basic: true}, {Path: "/off", Access: Access{Mode: ModeOptional}}}})
	api := sessionapi.New(sessionapi.Options{
		Tokens: tokens, Sessions: g.sessions, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Logout: func(ctx context.Context, s *sessionstore.Session) error { return s.Flush(ctx) },
	})
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get(sessionapi.Header)
		w.Header().Set("Token", token)
		if token != "" {
			do(func(method, path, body string) int {
				call := httptest.NewRequest(method, path, strings.NewReader(body))
				call.Header.Set("Authorization", "Bearer "+token)
				answer := httptest.NewRecorder()
				api.ServeHTTP(answer, call)
				return answer.Code
			})
		}
	})
	return g
}

func TestSessionAPIToken_4_1_3(t *testing.T) {
	g := lendRig(t, func(func(method, path, body string) int) {})
	key := g.login("1")
	for _, c := range []struct {
		name   string
		path   string
		header []string
		want   bool
	}{
		{"anonymous", "/", nil, true},
		{"logged in", "/", []string{"Cookie", session(key)}, true},
		{"route without", "/off", []string{"X-Session-Token", "forged"}, false},
		{"forged", "/", []string{"X-Session-Token", "forged", "X_Session_Token", "forged"}, true},
		{"listed in Connection", "/", []string{"Connection", "X-Session-Token", "X-Session-Token", "forged"}, true},
		{"by credentials: no session", "/", []string{"Authorization", "Basic YWxpY2U6cMOkOnNz"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := g.get(c.path, c.header...)
			token := res.Header.Get("Token")
			if res.StatusCode != 200 || (token != "") != c.want || strings.Contains(token, "forged") || strings.Contains(token, key) || len(res.Header["Set-Cookie"]) > 0 {
				t.Errorf("%d token %q, want one: %v; Set-Cookie %q", res.StatusCode, token, c.want, res.Header["Set-Cookie"])
			}
		})
	}
	if n := len(keysOf(t, g)); n != 1 {
		t.Errorf("F34: %d records, want that of the login", n)
	}
}

func keysOf(t *testing.T, g *rig) (keys []string) {
	t.Helper()
	if err := g.store.Keys(t.Context(), func(key string) bool { keys = append(keys, key); return true }); err != nil {
		t.Fatal(err)
	}
	return keys
}

// A visitor's first write begins the session, under a key that no token has held (7.2.4).
func TestSessionAPIBegins_7_2_4(t *testing.T) {
	g := lendRig(t, func(call func(method, path, body string) int) { call("PUT", "/session/cart", `"apples"`) })
	res := g.get("/")
	line := res.Header.Get("Set-Cookie")
	keys := keysOf(t, g)
	if len(keys) != 1 || !strings.HasPrefix(line, "sessionid="+keys[0]+";") || res.Header.Get("Vary") != "Cookie" {
		t.Fatalf("Set-Cookie %q, records %q", line, keys)
	}
	// The next request writes again: the same session, its cookie anew, as Django does.
	res = g.get("/", "Cookie", session(keys[0]))
	if again := keysOf(t, g); len(again) != 1 || again[0] != keys[0] || !strings.HasPrefix(res.Header.Get("Set-Cookie"), session(keys[0])+";") {
		t.Errorf("Set-Cookie %q, records %q", res.Header.Get("Set-Cookie"), again)
	}
	s, err := g.sessions.Open(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if cart, _ := s.GetString("cart"); cart != "apples" {
		t.Errorf("cart %q", cart)
	}
}

func TestSessionAPIFlush(t *testing.T) {
	g := lendRig(t, func(call func(method, path, body string) int) { call("DELETE", "/session", "") })
	res := g.get("/", "Cookie", session(g.login("1")))
	if !strings.HasPrefix(res.Header.Get("Set-Cookie"), `sessionid="";`) || len(keysOf(t, g)) != 0 {
		t.Errorf("Set-Cookie %q, records %q", res.Header.Get("Set-Cookie"), keysOf(t, g))
	}
}

// What was acknowledged to the application is not lost without a word (F01).
func TestSessionAPIStoreDown_F01(t *testing.T) {
	var g *rig
	g = lendRig(t, func(call func(method, path, body string) int) {
		if status := call("PUT", "/session/cart", "1"); status != 201 {
			t.Errorf("PUT: %d", status)
		}
		g.store.mu.Lock()
		g.store.down = errors.New("down")
		g.store.mu.Unlock()
	})
	if res := g.get("/"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
