package sessioncookie

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// refusing is a store one of whose records cannot be trusted.
type refusing struct{ *storetest.Memory }

const refusedKey = "refusedrefusedrefusedrefusedrefu"

func (s refusing) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if key == refusedKey {
		return sessionstore.Record{}, &sessionstore.RefusedError{Reason: "bad signature"}
	}
	return s.Memory.Load(ctx, key)
}

func TestOpen(t *testing.T) {
	sessions := sessionstore.New(refusing{storetest.NewMemory(time.Now)}, sessionstore.Settings{CookieAge: time.Hour}, time.Now)
	live := func() string {
		session, _ := sessions.Open(t.Context(), "")
		if err := errors.Join(session.Set("a", 1), session.Save(t.Context())); err != nil {
			t.Fatal(err)
		}
		return session.Key()
	}
	one, two, dead := live(), live(), sessions.NewKey()
	for _, tc := range []struct {
		name, header, want string
		stale              bool
	}{
		{"none", "a=1", "", false},
		{"one", "sessionid=" + one, one, false},
		{"dead", "sessionid=" + dead, "", true},
		{"too short", "sessionid=abc", "", true},
		{"R9 one live among dead ones", "sessionid=" + one + "; sessionid=" + dead + "; sessionid=x/../y12345", one, false},
		{"R9 two live ones are none", "sessionid=" + one + "; sessionid=" + two, "", false},
		{"refused keeps its cookie", "sessionid=" + refusedKey, "", false},
		{"refused and live", "sessionid=" + one + "; sessionid=" + refusedKey, one, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cookie, h := New(Options{}), http.Header{"Cookie": {tc.header}}
			session, err := cookie.Open(t.Context(), sessions, h)
			if err != nil || session.Key() != tc.want {
				t.Fatalf("Open(%q) = %v; want key %q", tc.header, err, tc.want)
			}
			if got := cookie.Stale(h, session); got != tc.stale {
				t.Errorf("Stale(%q) = %t, want %t", tc.header, got, tc.stale)
			}
		})
	}
}

// A store that cannot be asked is never "logged out".
func TestOpenFault(t *testing.T) {
	sessions := sessionstore.New(storetest.NewMemory(time.Now), sessionstore.Settings{}, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Options{}).Open(ctx, sessions, http.Header{"Cookie": {"sessionid=" + sessions.NewKey()}}); err == nil {
		t.Error("Open with a store that fails: no error")
	}
}
