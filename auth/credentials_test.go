package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/auth"
)

// counting counts the password checks that reach the hasher.
type counting struct {
	auth.PasswordChecker
	checks atomic.Int64
}

func (c *counting) CheckPassword(ctx context.Context, login, password string) (auth.User, error) {
	c.checks.Add(1)
	return c.PasswordChecker.CheckPassword(ctx, login, password)
}

// scripts is a house whose scripts show credentials.
func scripts(t *testing.T, change ...func(*house)) (*house, *auth.Credentials, *counting) {
	checker := &counting{}
	h := build(t, both(append(change, withThrottle(t), func(h *house) {
		checker.PasswordChecker = h.options.Checker
		h.options.Checker = checker
	})...))
	return h, auth.NewCredentials(h.service), checker
}

var here, there = netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8")

func TestCredentials_kept(t *testing.T) {
	h, c, checker := scripts(t)
	show := func(password string, client netip.Addr) error {
		p, err := c.Verify(background, oldUser, password, client)
		if err == nil && (p.Username != oldUser || p.Session != nil) {
			t.Errorf("principal %+v", p)
		}
		return err
	}
	for _, step := range []struct {
		name     string
		before   func() error
		password string
		client   netip.Addr
		want     error
		checks   int64
	}{
		{"first", nil, oldPassword, here, nil, 1},
		{"again", nil, oldPassword, here, nil, 0},
		{"from elsewhere", nil, oldPassword, there, nil, 1},
		{"a wrong one", nil, "wrong", here, auth.ErrInvalidCredentials, 1},
		{"the right one after a wrong one", nil, oldPassword, here, nil, 1},
		{"and again", nil, oldPassword, here, nil, 0},
		{"disabled", func() error { return h.directory.SetActive(background, oldUser, false) }, oldPassword, here, auth.ErrInvalidCredentials, 1},
		{"enabled", func() error { return h.directory.SetActive(background, oldUser, true) }, oldPassword, here, nil, 1},
		{"a minute later", func() error { h.now = h.now.Add(time.Minute); return nil }, oldPassword, here, nil, 1},
		{"another password", func() error { return h.directory.SetPassword(background, oldUser, "new") }, oldPassword, here, auth.ErrInvalidCredentials, 1},
		{"the new one", nil, "new", here, nil, 1},
		{"empty", nil, "", here, auth.ErrInvalidCredentials, 0},
		{"deleted", func() error { return h.directory.Delete(background, oldUser) }, "new", here, auth.ErrInvalidCredentials, 1},
	} {
		if step.before != nil {
			if err := step.before(); err != nil {
				t.Fatal(err)
			}
		}
		before := checker.checks.Load()
		if err := show(step.password, step.client); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		if n := checker.checks.Load() - before; n != step.checks {
			t.Errorf("%s: %d passwords hashed, want %d", step.name, n, step.checks)
		}
	}
}

// TestCredentials_throttle_6_3_1 what is remembered for the owner's script answers nobody's guesses.
func TestCredentials_throttle_6_3_1(t *testing.T) {
	_, c, checker := scripts(t)
	if _, err := c.Verify(background, oldUser, oldPassword, here); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		_, _ = c.Verify(background, oldUser, "guess", there)
	}
	var throttled *auth.ThrottledError
	if _, err := c.Verify(background, oldUser, oldPassword, there); !errors.As(err, &throttled) {
		t.Errorf("the right guess of a throttled client: %v", err)
	}
	if n := checker.checks.Load(); n != 6 {
		t.Errorf("%d passwords hashed, want the owner's and five", n)
	}
	for range 30 {
		_, _ = c.Verify(background, oldUser, "guess", here)
	}
	if _, err := c.Verify(background, oldUser, oldPassword, here); !errors.As(err, &throttled) {
		t.Errorf("the right guess of a client at the owner's own address: %v", err)
	}
}

// TestCredentials_factor_6_3_3 a password alone is not enough for a user who has a factor.
func TestCredentials_factor_6_3_3(t *testing.T) {
	_, c, _ := scripts(t, withCodes(&codes{answers: map[string]string{oldUser: "1"}}))
	if p, err := c.Verify(background, oldUser, oldPassword, here); !errors.Is(err, auth.ErrInvalidCredentials) || !p.Anonymous() {
		t.Errorf("got %+v, %v", p, err)
	}
}

func BenchmarkCredentials(b *testing.B) {
	h := build(b, nil)
	c := auth.NewCredentials(h.service)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Verify(background, oldUser, oldPassword, here); err != nil {
			b.Fatal(err)
		}
		if h.log.Len() > 1<<20 {
			h.log.Reset()
		}
	}
}
