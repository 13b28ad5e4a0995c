package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/throttle"
)

// codes is a factor in memory: one right answer for each user who has one.
type codes struct {
	answers map[string]string
	err     error
}

func (c *codes) Required(_ context.Context, u auth.User) (bool, error) {
	_, set := c.answers[u.Username]
	return set, c.err
}

func (c *codes) Verify(_ context.Context, u auth.User, answer string) error {
	if c.answers[u.Username] != answer {
		return auth.ErrInvalidCredentials
	}
	return c.err
}

func withCodes(c *codes) func(*house) {
	return func(h *house) { h.options.Factors = []auth.Factor{c} }
}

func withThrottle(tb testing.TB) func(*house) {
	return func(h *house) {
		th := throttle.New(h.db, throttle.Options{MaxAttempts: 5, Secret: "k", Now: h.clock})
		if err := th.CreateTable(background); err != nil {
			tb.Fatal(err)
		}
		h.options.Throttle = th
	}
}

func both(changes ...func(*house)) func(*house) {
	return func(h *house) {
		for _, change := range changes {
			change(h)
		}
	}
}

// pendingOf is the first step of a login that has a second one.
func pendingOf(t *testing.T, h *house, session string) string {
	t.Helper()
	_, err := h.service.Login(background, h.open(t, session), attempt(oldUser, oldPassword))
	var required *auth.FactorRequiredError
	if !errors.As(err, &required) || required.Pending == "" {
		t.Fatalf("got %v, want a demand for the factor", err)
	}
	return required.Pending
}

func TestFactor(t *testing.T) {
	factor := &codes{answers: map[string]string{oldUser: "123456"}}
	h := build(t, both(withCodes(factor), withThrottle(t)))
	visitor := h.put(t, map[string]any{"cart": "x"})
	pending := pendingOf(t, h, visitor)
	if p, err := h.service.Principal(background, h.open(t, visitor)); err != nil || !p.Anonymous() || strings.Contains(h.events(), "login_ok") {
		t.Errorf("between the steps the visitor is %+v, %v", p, err)
	}
	if strings.Contains(pending, oldPassword) {
		t.Error("the token tells the password")
	}
	confirm := func(pending, answer string) (auth.Principal, error) {
		return h.service.Confirm(background, h.open(t, visitor), auth.Confirmation{Pending: pending, Answer: answer, Client: attempt("", "").Client})
	}
	for _, c := range []struct {
		name, pending, answer string
		want                  error
	}{
		{"wrong answer", pending, "000000", auth.ErrInvalidCredentials},
		{"no answer", pending, "", auth.ErrInvalidCredentials},
		{"too long", pending, strings.Repeat("1", 1<<20), auth.ErrInvalidCredentials},
		{"no token", "", "123456", auth.ErrPendingExpired},
		{"token of another's making", "eyJpIjoiMSJ9:1:x", "123456", auth.ErrPendingExpired},
		{"token changed", "x" + pending, "123456", auth.ErrPendingExpired},
	} {
		if p, err := confirm(c.pending, c.answer); !errors.Is(err, c.want) || !p.Anonymous() {
			t.Errorf("%s: %+v, %v; want %v", c.name, p, err, c.want)
		}
	}
	p, err := confirm(pending, "123456")
	if err != nil || p.Username != oldUser || p.Session.Key() == visitor {
		t.Fatalf("got %+v, %v", p, err)
	}
	if cart, _ := p.Session.GetString("cart"); cart != "x" {
		t.Error("what the visitor had is lost")
	}
}

// TestFactor_pendingEnds a password that was changed, a user who was disabled, five minutes: the first step counts no more.
func TestFactor_pendingEnds(t *testing.T) {
	for name, change := range map[string]func(*house) error{
		"five minutes": func(h *house) error { h.now = h.now.Add(5*time.Minute + time.Second); return nil },
		"new password": func(h *house) error { return h.directory.SetPassword(background, oldUser, "another") },
		"disabled":     func(h *house) error { return h.directory.SetActive(background, oldUser, false) },
		"deleted":      func(h *house) error { return h.directory.Delete(background, oldUser) },
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, withCodes(&codes{answers: map[string]string{oldUser: "1"}}))
			pending := pendingOf(t, h, "")
			if err := change(h); err != nil {
				t.Fatal(err)
			}
			if _, err := h.service.Confirm(background, h.open(t, ""), auth.Confirmation{Pending: pending, Answer: "1"}); !errors.Is(err, auth.ErrPendingExpired) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestFactor_throttle_6_6_3 who knows the password cannot guess the code: neither answers nor the right password in between reset the count.
func TestFactor_throttle_6_6_3(t *testing.T) {
	h := build(t, both(withCodes(&codes{answers: map[string]string{oldUser: "1"}}), withThrottle(t)))
	tried := 0
	for range 20 {
		_, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, oldPassword))
		var required *auth.FactorRequiredError
		if !errors.As(err, &required) {
			continue
		}
		_, err = h.service.Confirm(background, h.open(t, ""), auth.Confirmation{Pending: required.Pending, Answer: "2", Client: attempt("", "").Client})
		if errors.Is(err, auth.ErrInvalidCredentials) {
			tried++
		}
	}
	if tried != 5 {
		t.Errorf("%d answers were looked at, want 5", tried)
	}
}

func TestFactor_fault(t *testing.T) {
	down := errors.New("down")
	factor := &codes{answers: map[string]string{oldUser: "1"}}
	h := build(t, withCodes(factor))
	pending := pendingOf(t, h, "")
	factor.err = down
	if _, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, oldPassword)); !errors.Is(err, down) {
		t.Errorf("a factor that cannot be asked: %v", err)
	}
	if p, err := h.service.Confirm(background, h.open(t, ""), auth.Confirmation{Pending: pending, Answer: "1"}); !errors.Is(err, down) || !p.Anonymous() {
		t.Errorf("a factor that cannot be checked: %v", err)
	}
}
