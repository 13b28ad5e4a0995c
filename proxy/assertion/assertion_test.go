package assertion_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"coatcheck/auth"
	"coatcheck/proxy/assertion"
)

const (
	oldSecret = "the secret key that was used until yesterday"
	newSecret = "the secret key that is in use from today on."
)

var alice = auth.Principal{ID: "7", Username: "alice", Email: "alice@example.com", Name: "Alice Liddell", Groups: []string{"dev", "tea"}, Staff: true}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newSigner(t testing.TB, c *clock, secret string, fallbacks ...string) *assertion.Signer {
	t.Helper()
	s, err := assertion.New(assertion.Options{Secret: secret, Fallbacks: fallbacks, Issuer: "https://app.example.com", Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tokenOf(t testing.TB, s *assertion.Signer, p auth.Principal, audience string) string {
	t.Helper()
	fields, err := s.Header("X-Assertion", audience, time.Minute).Fields(p)
	if err != nil || len(fields) != 1 || fields[0].Name != "X-Assertion" {
		t.Fatalf("fields %v, %v", fields, err)
	}
	return fields[0].Value
}

// keysOf reads the key set as an application does.
func keysOf(t testing.TB, s *assertion.Signer) (set jose.JSONWebKeySet) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.auth/jwks.json", nil))
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if strings.Contains(w.Body.String(), `"d"`) {
		t.Fatal("13.3.1: a private key is in the key set")
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestClaims_9_1_1_9_2_1(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	s := newSigner(t, c, newSecret)
	parsed, err := jwt.ParseSigned(tokenOf(t, s, alice, "wiki.example.com"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := parsed.Claims(keysOf(t, s), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "https://app.example.com", "aud": "wiki.example.com", "sub": "7", "iat": 1.8e9, "exp": 1.8e9 + 60,
		"preferred_username": "alice", "email": "alice@example.com", "name": "Alice Liddell", "groups": []any{"dev", "tea"}, "staff": true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if h := parsed.Headers[0]; h.KeyID == "" || h.Algorithm != "EdDSA" || h.ExtraHeaders["typ"] != "JWT" {
		t.Errorf("header %+v", h)
	}
	if fields, err := s.Header("X-Assertion", "a", time.Minute).Fields(auth.Principal{}); fields != nil || err != nil {
		t.Errorf("anonymous: %v %v", fields, err)
	}
}

// A fleet has the same keys; after a rotation, what was signed before can still be checked, and before it the next key can be published.
func TestRotation_11_1_1_F26(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	before, other := newSigner(t, c, oldSecret), newSigner(t, c, oldSecret)
	after, announced := newSigner(t, c, newSecret, oldSecret), newSigner(t, c, oldSecret, newSecret)
	for _, v := range []struct {
		name           string
		signer, reader *assertion.Signer
		good           bool
	}{
		{"another process of the fleet", before, other, true},
		{"signed before the rotation", before, after, true},
		{"signed after the rotation, read with keys from before", after, before, false},
		{"the next key was announced", after, announced, true},
		{"fallback gone", before, newSigner(t, c, newSecret), false},
	} {
		t.Run(v.name, func(t *testing.T) {
			parsed, err := jwt.ParseSigned(tokenOf(t, v.signer, alice, "a"), []jose.SignatureAlgorithm{jose.EdDSA})
			if err != nil {
				t.Fatal(err)
			}
			if err := parsed.Claims(keysOf(t, v.reader)); (err == nil) != v.good {
				t.Errorf("got %v, want good %v", err, v.good)
			}
		})
	}
}

func TestCache(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	s := newSigner(t, c, newSecret)
	first := tokenOf(t, s, alice, "a")
	demoted := alice
	demoted.Staff = false
	moved := alice
	moved.Groups = []string{"dev"}
	for _, v := range []struct {
		name     string
		after    time.Duration
		who      auth.Principal
		audience string
		same     bool
	}{
		{"again", 0, alice, "a", true},
		{"a little before half its time", 29 * time.Second, alice, "a", true},
		{"another audience", 0, alice, "b", false},
		{"half its time is over", 30 * time.Second, alice, "a", false},
		{"no longer staff", 0, demoted, "a", false},
		{"left a group", 0, moved, "a", false},
	} {
		t.Run(v.name, func(t *testing.T) {
			c.now = time.Unix(1_800_000_000, 0).Add(v.after)
			if got := tokenOf(t, s, v.who, v.audience); (got == first) != v.same {
				t.Errorf("the same assertion: %v, want %v", got == first, v.same)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	s := newSigner(t, &clock{time.Unix(1_800_000_000, 0)}, newSecret)
	fields, err := s.Header("authorization", "a", time.Minute).Fields(alice)
	if err != nil || fields[0].Name != "Authorization" || fields[0].Value != "Bearer "+tokenOf(t, s, alice, "a") {
		t.Errorf("%v %v", fields, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	s := newSigner(t, &clock{time.Unix(1_800_000_000, 0)}, newSecret)
	for i := range 10001 {
		tokenOf(t, s, auth.Principal{ID: fmt.Sprint(i + 1), Username: "u"}, "a")
	}
}

func TestShortSecret(t *testing.T) {
	_, err := assertion.New(assertion.Options{Secret: "short", Issuer: "x", Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "openssl rand") || strings.Contains(err.Error(), "short\"") {
		t.Errorf("got %v", err)
	}
	newSigner(t, &clock{}, newSecret, "short") // as a fallback it has never signed anything
}

func TestKeysAreForReading(t *testing.T) {
	s := newSigner(t, &clock{}, newSecret)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/.auth/jwks.json", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func BenchmarkFields(b *testing.B) {
	s, err := assertion.New(assertion.Options{Secret: newSecret, Issuer: "x", Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	h := s.Header("X-Assertion", "a", time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Fields(alice); err != nil {
			b.Fatal(err)
		}
	}
}
