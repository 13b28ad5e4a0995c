package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"coatcheck/auth"
)

// login logs in with what the browser holds, from an address of its own, and returns what it holds afterwards.
func (h *house) login(t *testing.T, token, pw, client string, remember auth.Remember) (string, error) {
	t.Helper()
	browser := &auth.Browser{Token: token}
	a := auth.Attempt{Login: oldUser, Password: pw, Client: netip.MustParseAddr(client), Remember: remember, Browser: browser}
	_, err := h.service.Login(context.Background(), h.open(t, ""), a)
	return browser.Token, err
}

// TestKnownBrowser_6_1_1 the owner gets in with a known browser from anywhere while strangers have used up the account, and nobody
// else's browser, nor a changed or old token, does.
func TestKnownBrowser_6_1_1(t *testing.T) {
	h := build(t, withThrottle(t))
	token, err := h.login(t, "", oldPassword, "192.0.2.1", auth.RememberDefault)
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	for i := range 60 {
		h.now = h.now.Add(time.Hour)
		if _, err := h.login(t, "", "wrong", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String(), auth.RememberDefault); err != auth.ErrInvalidCredentials {
			t.Fatal(err)
		}
	}
	var throttled *auth.ThrottledError
	old, age := h.now, auth.BrowserAge+time.Second
	for name, token := range map[string]string{"none": "", "changed": "x" + token, "cut": token[:len(token)-1], "not ours": "a:b:c"} {
		if _, err := h.login(t, token, oldPassword, "198.51.100.1", auth.RememberDefault); !errors.As(err, &throttled) {
			t.Errorf("token %s: %v; want a delay", name, err)
		}
	}
	fresh, err := h.login(t, token, oldPassword, "198.51.100.2", auth.RememberDefault)
	if err != nil || fresh == token || fresh == "" {
		t.Errorf("the owner's browser: %v, token %q", err, fresh)
	}
	h.now = old.Add(age)
	if again, err := h.login(t, fresh, oldPassword, "198.51.100.3", auth.RememberDefault); err != nil || again == fresh {
		t.Errorf("after 90 days: %v", err)
	}
}

func TestKnownBrowser_sharedComputer(t *testing.T) {
	h := build(t, withThrottle(t))
	if token, err := h.login(t, "", oldPassword, "192.0.2.1", auth.RememberOff); err != nil || token != "" {
		t.Errorf("token %q, %v; want none", token, err)
	}
	if token, err := h.login(t, "", "wrong", "192.0.2.1", auth.RememberDefault); token != "" || err == nil {
		t.Errorf("a failed login left the token %q", token)
	}
}
