package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"coatcheck/auth"
)

// rules refuses every password with "bad" in it.
type rules struct{}

func (rules) Check(plain string, u auth.User) []auth.PasswordFault {
	if strings.Contains(plain, "bad") || plain == u.Username {
		return []auth.PasswordFault{{Name: "common"}}
	}
	return nil
}

// TestChangePassword_7_4_2 after a change this session goes on under a new key, and every other one is out (contrib/auth/__init__.py
// update_session_auth_hash).
func TestChangePassword_7_4_2(t *testing.T) {
	h := build(t, func(h *house) { h.options.Passwords, h.options.Policy = h.directory, rules{} })
	mine, theirs := h.open(t, h.put(t, with(h.loggedIn(10), "cart", "tea"))), h.put(t, h.loggedIn(10))
	before := mine.Key()
	if err := h.service.ChangePassword(background, mine, auth.PasswordChange{Current: oldPassword, New: "ein neues Wort"}); err != nil {
		t.Fatal(err)
	}
	if mine.Key() == before || h.alive(t, before) {
		t.Errorf("key new %v, old record alive %v", mine.Key() != before, h.alive(t, before))
	}
	if p, err := h.service.Principal(background, h.open(t, mine.Key())); err != nil || p.Username != oldUser {
		t.Errorf("this session is %q, %v", p.Username, err)
	}
	if cart, _ := mine.GetString("cart"); cart != "tea" {
		t.Errorf("the data of this session: cart %q", cart)
	}
	if p, err := h.service.Principal(background, h.open(t, theirs)); err != nil || !p.Anonymous() {
		t.Errorf("another session is %q, %v", p.Username, err)
	}
	if _, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, oldPassword)); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("login with the old password: %v", err)
	}
	if _, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, "ein neues Wort")); err != nil {
		t.Errorf("login with the new password: %v", err)
	}
	if !strings.Contains(h.events(), "password_changed") || strings.Contains(h.log.String(), "neues") {
		t.Errorf("log: %s", h.log)
	}
}

func TestChangePasswordRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		session func(h *house) map[string]any
		change  auth.PasswordChange
		is      func(error) bool
	}{
		"wrong current":     {nil, auth.PasswordChange{Current: "x", New: "fine"}, is(auth.ErrInvalidCredentials)},
		"no current":        {nil, auth.PasswordChange{New: "fine"}, is(auth.ErrInvalidCredentials)},
		"refused by policy": {nil, auth.PasswordChange{Current: oldPassword, New: "bad"}, rejected("common")},
		"the user's name":   {nil, auth.PasswordChange{Current: oldPassword, New: oldUser}, rejected("common")},
		"empty":             {nil, auth.PasswordChange{Current: oldPassword}, rejected("length")},
		"over 4096 bytes":   {nil, auth.PasswordChange{Current: oldPassword, New: strings.Repeat("x", 4097)}, rejected("long")},
		"nobody":            {func(*house) map[string]any { return map[string]any{"cart": "tea"} }, auth.PasswordChange{Current: oldPassword, New: "fine"}, is(auth.ErrNotLoggedIn)},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, func(h *house) { h.options.Passwords, h.options.Policy = h.directory, rules{} })
			data := h.loggedIn(10)
			if c.session != nil {
				data = c.session(h)
			}
			session := h.open(t, h.put(t, data))
			key := session.Key()
			if err := h.service.ChangePassword(background, session, c.change); !c.is(err) {
				t.Errorf("error %v", err)
			}
			if session.Key() != key {
				t.Error("the key is new although nothing was changed")
			}
			if _, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, oldPassword)); err != nil {
				t.Errorf("login with the password: %v", err)
			}
		})
	}
}

// TestChangePassword_6_3_1 guesses of the current password count as failed logins do.
func TestChangePassword_6_3_1(t *testing.T) {
	throttle := &countingThrottle{}
	h := build(t, func(h *house) { h.options.Passwords, h.options.Throttle = h.directory, throttle })
	session := h.open(t, h.put(t, h.loggedIn(10)))
	change := auth.PasswordChange{Current: "guess", New: "fine", Client: netip.MustParseAddr("192.0.2.7")}
	for range 3 {
		_ = h.service.ChangePassword(background, session, change)
	}
	if throttle.begun != 3 || throttle.succeeded != 0 || throttle.last.Login != oldUser || throttle.last.Client != change.Client {
		t.Errorf("the throttle saw %+v", throttle)
	}
	throttle.refuse = &auth.ThrottledError{}
	change.Current = oldPassword
	var throttled *auth.ThrottledError
	if err := h.service.ChangePassword(background, session, change); !errors.As(err, &throttled) {
		t.Errorf("error %v", err)
	}
}

type countingThrottle struct {
	begun, succeeded int
	last             auth.Claim
	refuse           error
}

func (c *countingThrottle) Begin(_ context.Context, claim auth.Claim) error {
	c.begun, c.last = c.begun+1, claim
	return c.refuse
}
func (c *countingThrottle) Succeeded(context.Context, auth.Claim) error { c.succeeded++; return nil }
func (c *countingThrottle) Withdraw(context.Context, auth.Claim) error  { return nil }

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func rejected(name string) func(error) bool {
	return func(err error) bool {
		var r *auth.PasswordRejectedError
		return errors.As(err, &r) && len(r.Faults) == 1 && r.Faults[0].Name == name
	}
}
