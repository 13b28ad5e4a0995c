package proxy

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/sessionstore"
)

// scripts knows alice's password, and answers other names with their fault.
type scripts struct{}

func (scripts) Verify(_ context.Context, login, password string, client netip.Addr) (auth.Principal, error) {
	switch {
	case login == "alice" && password == "pä:ss" && client.IsLoopback():
		return usersOfTests["1"], nil
	case login == "slow":
		return auth.Principal{}, &auth.ThrottledError{RetryAfter: 20 * time.Second}
	case login == "busy":
		return auth.Principal{}, auth.ErrBusy
	case login == "down":
		return auth.Principal{}, errors.New("down")
	}
	return auth.Principal{}, auth.ErrInvalidCredentials
}

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestBasic(t *testing.T) {
	g := newRig(t, settings{logins: scripts{}, session: sessionstore.Settings{SaveEveryRequest: true}, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/api", Basic: true, Access: Access{Mode: ModeLogin, Groups: []string{"dev", "ops"}}, ShareSession: true, AnonymousSession: true},
		{Path: "/api/ops", Basic: true, Access: Access{Mode: ModeLogin, Groups: []string{"ops"}}},
		{Path: "/maybe", Basic: true, Access: Access{Mode: ModeOptional}},
		{Path: "/open", Basic: true, Access: Access{Mode: ModePublic}},
	}})
	right, wrong := basic("alice:pä:ss"), basic("alice:other")
	browser := []string{"Sec-Fetch-Mode", "navigate", "Accept", html}
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
		user       string // as the upstream sees it
		challenge  bool
	}{
		{"right", "/api/x", []string{"Authorization", right}, 200, "alice", false},
		{"scheme without case", "/api/x", []string{"Authorization", "bASIC" + right[5:]}, 200, "alice", false},
		{"wrong", "/api/x", []string{"Authorization", wrong}, 401, "", true},
		{"none", "/api/x", nil, 401, "", true},
		{"none, a browser's page", "/api/x", browser, 303, "", false},
		{"wrong, a browser's page", "/api/x", append(browser, "Authorization", wrong), 303, "", false},
		{"not base64", "/api/x", []string{"Authorization", "Basic %%%"}, 401, "", true},
		{"another scheme", "/api/x", []string{"Authorization", "Bearer abc"}, 401, "", true},
		{"right, not allowed here", "/api/ops", []string{"Authorization", right}, 403, "", false},
		{"a route without", "/x", []string{"Authorization", right}, 401, "", false},
		{"a path that is both", "/api/..;/x", []string{"Authorization", right}, 401, "", false},
		{"optional, none", "/maybe", nil, 200, "", false},
		{"optional, right", "/maybe", []string{"Authorization", right}, 200, "alice", false},
		{"optional, wrong", "/maybe", []string{"Authorization", wrong}, 401, "", true},
		{"throttled", "/api/x", []string{"Authorization", basic("slow:x")}, 429, "", false},
		{"busy", "/api/x", []string{"Authorization", basic("busy:x")}, 503, "", false},
		{"fault", "/api/x", []string{"Authorization", basic("down:x")}, 503, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.app.taken()
			res := g.get(c.path, c.header...)
			challenge := strings.Contains(strings.Join(res.Header["Www-Authenticate"], "|"), `Basic realm="coatcheck", charset="UTF-8"`)
			if res.StatusCode != c.status || challenge != c.challenge || len(res.Header["Set-Cookie"]) > 0 {
				t.Errorf("got %s, %q, cookies %q; want %d, challenge %v, no cookie", res.Status, res.Header["Www-Authenticate"], res.Header["Set-Cookie"], c.status, c.challenge)
			}
			if c.status == 429 && res.Header.Get("Retry-After") != "20" || c.status == 503 && res.Header.Get("Retry-After") == "" {
				t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
			}
			if calls := g.store.seen(); calls != "" {
				t.Errorf("session store was asked: %s", calls)
			}
			seen := g.app.taken()
			if (seen != nil) != (c.status == http.StatusOK) {
				t.Fatalf("the upstream saw %+v", seen)
			}
			if seen != nil && (seen.Header.Get("Remote-User") != c.user || seen.Header.Get("Authorization") != "") {
				t.Errorf("the upstream received %v", seen.Header)
			}
		})
	}
}

// TestBasic_elsewhere an application that asks for Basic itself keeps its header where the route does not say so.
func TestBasic_elsewhere(t *testing.T) {
	g := newRig(t, settings{logins: scripts{}})
	header := basic("alice:pä:ss")
	g.get("/x", "Cookie", session(g.login("2")), "Authorization", header)
	if seen := g.app.taken(); seen == nil || seen.Header.Get("Authorization") != header || seen.Header.Get("Remote-User") != "bob" {
		t.Errorf("the upstream saw %+v", seen)
	}
}
