package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

// TestPrincipal_vectors asks of every live session of Django's database what Django says of it: who it is, and whether the row survives.
func TestPrincipal_vectors(t *testing.T) {
	h := build(t, nil)
	for _, c := range h.fixture.Sessions {
		if c.Expires.Before(h.now) || strings.Contains(c.Note, "corrupt") || strings.Contains(c.Note, "SECRET_KEY") {
			continue // the store's business: these are no sessions
		}
		t.Run(c.Note, func(t *testing.T) {
			var data map[string]any
			if err := json.Unmarshal(c.Data, &data); err != nil {
				t.Fatal(err)
			}
			key := h.put(t, data)
			p, err := h.service.Principal(context.Background(), h.open(t, key))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(c.User, "<anonymous>")
			if p.Username != want || p.Anonymous() != (want == "") {
				t.Errorf("principal %q, Django says %q", p.Username, want)
			}
			if h.alive(t, key) != c.Survives {
				t.Errorf("record survives: %v, Django says %v", !c.Survives, c.Survives)
			}
		})
	}
}

func TestPrincipal_fields(t *testing.T) {
	h := build(t, nil)
	if _, err := h.db.Exec(`UPDATE auth_user SET first_name = 'Alice', last_name = 'Läufer' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	session := h.open(t, h.put(t, h.loggedIn(1)))
	p, err := h.service.Principal(context.Background(), session)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join([]string{p.ID, p.Username, p.Email, p.Name, strings.Join(p.Groups, "+")}, "|")
	if want := "1|alice|alice@example.com|Alice Läufer|admins+editors"; got != want || !p.Staff || p.Superuser || p.Session != session {
		t.Errorf("got %s staff %v superuser %v, want %s true false", got, p.Staff, p.Superuser, want)
	}
	if session.Modified() {
		t.Error("looking at a session changed it")
	}
}

func TestPrincipal_rules(t *testing.T) {
	cases := []struct {
		name     string
		change   func(map[string]any)
		user     string
		survives bool
	}{
		{"as Django's login leaves it", func(map[string]any) {}, "alice", true},
		{"id as a number", func(d map[string]any) { d["_auth_user_id"] = 1 }, "alice", true},
		{"no id", func(d map[string]any) { delete(d, "_auth_user_id") }, "", true},
		{"empty id", func(d map[string]any) { d["_auth_user_id"] = "" }, "", true},
		{"id is no number", func(d map[string]any) { d["_auth_user_id"] = "abc" }, "", true},
		{"id is a fraction", func(d map[string]any) { d["_auth_user_id"] = "1.0" }, "", true},
		{"id too big", func(d map[string]any) { d["_auth_user_id"] = strings.Repeat("9", 40) }, "", true},
		{"id with a NUL", func(d map[string]any) { d["_auth_user_id"] = "1\x00" }, "", true},
		{"id is a list", func(d map[string]any) { d["_auth_user_id"] = []any{"1"} }, "", true},
		{"id is a boolean", func(d map[string]any) { d["_auth_user_id"] = true }, "", true},
		{"id is SQL", func(d map[string]any) { d["_auth_user_id"] = "1 OR 1=1" }, "", true},
		{"no backend", func(d map[string]any) { delete(d, "_auth_user_backend") }, "", true},
		{"another backend", func(d map[string]any) { d["_auth_user_backend"] = "x.Y" }, "", true},
		{"backend is no text", func(d map[string]any) { d["_auth_user_backend"] = 1 }, "", true},
		{"no hash", func(d map[string]any) { delete(d, "_auth_user_hash") }, "", false},
		{"hash is no text", func(d map[string]any) { d["_auth_user_hash"] = 1 }, "", false},
		{"hash in upper case", func(d map[string]any) { d["_auth_user_hash"] = strings.ToUpper(d["_auth_user_hash"].(string)) }, "", false},
		{"hash of another user", func(d map[string]any) { d["_auth_user_id"] = "2" }, "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, nil)
			data := h.loggedIn(1)
			c.change(data)
			key := h.put(t, data)
			p, err := h.service.Principal(context.Background(), h.open(t, key))
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != c.user || h.alive(t, key) != c.survives {
				t.Errorf("data %v: user %q, alive %v; want %q, %v", data, p.Username, h.alive(t, key), c.user, c.survives)
			}
		})
	}
}

func TestPrincipal_secretRotated_F26(t *testing.T) {
	h := build(t, func(h *house) {
		h.options.Keys = signing.Keys{Secret: "new", Fallbacks: []string{"never used", h.fixture.SecretKey}}
	})
	key := h.put(t, h.loggedIn(1))
	session := h.open(t, key)
	p, err := h.service.Principal(context.Background(), session)
	if err != nil || p.Username != "alice" || session.Key() != key || !session.Modified() {
		t.Fatalf("got %q, key kept %v, modified %v, %v; want alice with the same key and a renewed hash", p.Username, session.Key() == key, session.Modified(), err)
	}
	if err := session.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	later := auth.NewService(auth.Options{Directory: h.directory, Checker: h.directory, Keys: signing.Keys{Secret: "new"}})
	if p, err := later.Principal(context.Background(), h.open(t, key)); err != nil || p.Username != "alice" {
		t.Errorf("after the fallback key is gone: %q, %v; want alice", p.Username, err)
	}
}

// TestPrincipal_7_4_2 F30: what is changed in the user table counts at the next request.
func TestPrincipal_7_4_2(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		survives  bool
		events    string
	}{
		"F30 disabled":         {`UPDATE auth_user SET is_active = 0 WHERE id = 1`, true, ""},
		"F30 deleted":          {`DELETE FROM auth_user WHERE id = 1`, true, ""},
		"F30 password changed": {`UPDATE auth_user SET password = password || 'x' WHERE id = 1`, false, "session_flushed:hash_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, nil)
			key := h.put(t, h.loggedIn(1))
			if _, err := h.db.Exec(`PRAGMA foreign_keys = OFF;` + c.statement); err != nil {
				t.Fatal(err)
			}
			p, err := h.service.Principal(context.Background(), h.open(t, key))
			if err != nil || !p.Anonymous() || h.alive(t, key) != c.survives || h.events() != c.events {
				t.Errorf("got %q, alive %v, events %q, %v; want nobody, %v, %q", p.Username, h.alive(t, key), h.events(), err, c.survives, c.events)
			}
		})
	}
}

// TestPrincipal_16_5_faults F30: a directory that cannot be asked is an error, never "anonymous", and the session stays.
func TestPrincipal_16_5_faults(t *testing.T) {
	for name, statement := range map[string]string{
		"F30 table gone":    `ALTER TABLE auth_user RENAME TO elsewhere`,
		"F30 column gone":   `ALTER TABLE auth_user RENAME COLUMN is_active TO enabled`,
		"F30 groups gone":   `ALTER TABLE auth_group RENAME TO elsewhere`,
		"F30 database gone": ``,
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, nil)
			key := h.put(t, h.loggedIn(1))
			if _, err := h.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
			if statement == "" {
				h.db.Close()
			}
			p, err := h.service.Principal(context.Background(), h.open(t, key))
			if err == nil || !p.Anonymous() || errors.Is(err, auth.ErrNoUser) || !h.alive(t, key) {
				t.Errorf("got %q, %v, alive %v; want an error and the session as it was", p.Username, err, h.alive(t, key))
			}
		})
	}
}

func TestPrincipal_refusedRecord(t *testing.T) {
	h := build(t, nil)
	sessions := sessionstore.New(refusing{}, h.options.Sessions, h.clock)
	session, err := sessions.Open(context.Background(), strings.Repeat("a", 32))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := h.service.Principal(context.Background(), session); err != nil || !p.Anonymous() {
		t.Errorf("got %q, %v", p.Username, err)
	}
	if h.events() != "session_refused:bad signature" {
		t.Errorf("events %q", h.events())
	}
}

// refusing is a store all of whose records are forged.
type refusing struct{ sessionstore.Store }

func (refusing) Load(context.Context, string) (sessionstore.Record, error) {
	return sessionstore.Record{}, &sessionstore.RefusedError{Reason: "bad signature"}
}

func TestSessionHash_vectors(t *testing.T) {
	for _, set := range vectorSets {
		t.Run(set, func(t *testing.T) { testSessionHash(t, set) })
	}
}

func testSessionHash(t *testing.T, set string) {
	var v struct {
		Cases []struct {
			SecretKey string `json:"secret_key"`
			Password  string `json:"password_column"`
			Hash      string
		}
		Fallback []struct {
			SecretKey string `json:"secret_key"`
			Fallbacks []string
			Password  string `json:"password_column"`
			Current   string
			Hashes    []string `json:"fallback_hashes"`
		}
	}
	readJSON(t, set+"auth_hash.json", &v)
	for _, c := range v.Cases {
		if got := auth.SessionHash(c.SecretKey, c.Password); got != c.Hash {
			t.Errorf("key %.10q column %.20q: got %s, want %s", c.SecretKey, c.Password, got, c.Hash)
		}
	}
	for _, c := range v.Fallback {
		for i, secret := range append([]string{c.SecretKey}, c.Fallbacks...) {
			if want := append([]string{c.Current}, c.Hashes...)[i]; auth.SessionHash(secret, c.Password) != want {
				t.Errorf("key %d: want %s", i, want)
			}
		}
	}
}
