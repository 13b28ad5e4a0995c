package sessionapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// desk is an API with its store.
type desk struct {
	t        *testing.T
	now      time.Time
	store    *testStore
	sessions *sessionstore.Sessions
	tokens   *Tokens
	visits   *Visits
	handler  *Handler
	log      lockedBuffer
	seen     []Observation
}

// testStore is a store in memory that can be down.
type testStore struct {
	*storetest.Memory
	down error
}

func (s *testStore) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if s.down != nil {
		return sessionstore.Record{}, s.down
	}
	return s.Memory.Load(ctx, key)
}

func (s *testStore) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	if s.down != nil {
		return s.down
	}
	return s.Memory.Change(ctx, key, change)
}

func (s *testStore) count(t *testing.T) (n int) {
	t.Helper()
	if err := s.Keys(t.Context(), func(string) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var testKeys = signing.Keys{Secret: "the secret key", Fallbacks: []string{"an old one"}}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Now().Truncate(time.Second), visits: NewVisits()}
	clock := func() time.Time { return d.now }
	d.store = &testStore{Memory: storetest.NewMemory(clock)}
	d.sessions = sessionstore.New(d.store, sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, clock)
	var err error
	if d.tokens, err = NewTokens(testKeys, d.visits, clock); err != nil {
		t.Fatal(err)
	}
	d.handler = New(Options{
		Tokens: d.tokens, Sessions: d.sessions, Log: slog.New(slog.NewJSONHandler(&d.log, nil)), Now: clock,
		Logout: func(ctx context.Context, s *sessionstore.Session) error { return s.Flush(ctx) },
		Observe: func(o Observation) {
			d.log.mu.Lock()
			defer d.log.mu.Unlock()
			d.seen = append(d.seen, o)
		},
	})
	return d
}

// session makes a session that holds x=1 and a login, and returns its key and a token.
func (d *desk) session() (key, token string) {
	d.t.Helper()
	s, err := d.sessions.Open(d.t.Context(), "")
	if err == nil {
		err = errors.Join(s.Set("x", 1), s.Set("_auth_user_id", "7"), s.Save(d.t.Context()))
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return s.Key(), d.visit(s.Key()).Token
}

func (d *desk) visit(key string) *Visit {
	v := d.tokens.Visit(key)
	d.t.Cleanup(func() { v.End() })
	return v
}

func (d *desk) open(key string) *sessionstore.Session {
	d.t.Helper()
	s, err := d.sessions.Open(d.t.Context(), key)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

type reply struct {
	*http.Response
	text string
}

// call sends one request; header is name, value, ….
func (d *desk) call(token, method, path, body string, header ...string) reply {
	d.t.Helper()
	r := httptest.NewRequest(method, "http://api"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	res := w.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply{res, strings.TrimSuffix(string(text), "\n")}
}

// want checks status and, unless it is "-", body.
func (d *desk) want(r reply, status int, body string) {
	d.t.Helper()
	if r.StatusCode != status || body != "-" && r.text != body {
		d.t.Errorf("%d %q, want %d %q", r.StatusCode, r.text, status, body)
	}
}

// problemOf checks that an error is JSON with a request id, and returns its detail.
func (d *desk) problemOf(r reply) string {
	d.t.Helper()
	var p struct {
		Status    int
		Detail    string
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(r.text), &p); err != nil || p.Status != r.StatusCode || p.RequestID == "" || p.Detail == "" {
		d.t.Errorf("error answer %d %q: %v", r.StatusCode, r.text, err)
	}
	return p.Detail
}
