package signing

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type vectorFile struct {
	Base62 []struct {
		N   json.Number `json:"n"`
		B62 string
	}
	TimestampSign []struct {
		SecretKey string `json:"secret_key"`
		Salt      string
		Value     string
		Time      int64
		Signed    string
	} `json:"timestamp_sign"`
	MaxAge []struct {
		Signed    string
		SecretKey string `json:"secret_key"`
		Salt      string
		SignedAt  int64 `json:"signed_at"`
		Now       float64
		MaxAge    *int64 `json:"max_age"`
		Value     *string
		Error     *string
	} `json:"max_age"`
	SaltedHMAC []struct {
		KeySalt   string `json:"key_salt"`
		Secret    string
		Value     string
		Algorithm string
		Hexdigest string
	} `json:"salted_hmac"`
}

func vectors(t testing.TB) map[string]vectorFile {
	t.Helper()
	sets := map[string]vectorFile{}
	for set, dir := range map[string]string{"5.2": ".", "3.2": "django-3.2", "6.1": "django-6.1"} {
		data, err := os.ReadFile(filepath.Join("../../testdata/vectors", dir, "signing.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		sets[set] = file
	}
	return sets
}

func TestBase62Vectors(t *testing.T) {
	for set, file := range vectors(t) {
		for _, c := range file.Base62 {
			n, err := c.N.Int64()
			if err != nil { // beyond int64: no time
				if got, ok := DecodeBase62(c.B62); ok {
					t.Errorf("%s: DecodeBase62(%q) = %d, want nothing", set, c.B62, got)
				}
				continue
			}
			if got := EncodeBase62(n); got != c.B62 {
				t.Errorf("%s: EncodeBase62(%d) = %q, want %q", set, n, got, c.B62)
			}
			if got, ok := DecodeBase62(c.B62); !ok || got != n {
				t.Errorf("%s: DecodeBase62(%q) = %d, %t; want %d", set, c.B62, got, ok, n)
			}
		}
	}
}

func TestBase62_1_4_2_bounds(t *testing.T) {
	for _, n := range []int64{math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, -1} {
		if got, ok := DecodeBase62(EncodeBase62(n)); !ok || got != n {
			t.Errorf("%d → %q → %d, %t", n, EncodeBase62(n), got, ok)
		}
	}
	for _, s := range []string{"", "-", "--1", "+1", " 1", "1 ", "!!!", "é", "AzL8n0Y58m8", "-AzL8n0Y58m9", "zzzzzzzzzzz", strings.Repeat("z", 1000)} {
		if n, ok := DecodeBase62(s); ok {
			t.Errorf("DecodeBase62(%.20q) = %d, want nothing", s, n)
		}
	}
}

func TestSaltedHMACVectors(t *testing.T) {
	for set, file := range vectors(t) {
		for _, c := range file.SaltedHMAC {
			f := map[string]func(a, b, c string) []byte{"sha256": SaltedHMAC, "sha1": SaltedHMACSHA1}[c.Algorithm]
			if got := hex.EncodeToString(f(c.KeySalt, c.Secret, c.Value)); got != c.Hexdigest {
				t.Errorf("%s: %s(%q, %.20q, %q) = %s, want %s", set, c.Algorithm, c.KeySalt, c.Secret, c.Value, got, c.Hexdigest)
			}
		}
	}
}

func TestSignVectors(t *testing.T) {
	for set, file := range vectors(t) {
		for _, c := range file.TimestampSign {
			s := NewSigner(c.Salt, Keys{Secret: c.SecretKey})
			at := time.Unix(c.Time, 999_999_999)
			if got := s.Sign(c.Value, at); got != c.Signed {
				t.Errorf("%s: Sign(%q)\n got %q\nwant %q", set, c.Value, got, c.Signed)
			}
			payload, signedAt, fallback, err := s.Unsign(c.Signed)
			if payload != c.Value || signedAt.Unix() != c.Time || fallback || err != nil {
				t.Errorf("%s: Unsign(%q) = %q, %v, %t, %v", set, c.Signed, payload, signedAt, fallback, err)
			}
		}
	}
}

func TestCheckAgeVectors_9_2_1(t *testing.T) {
	for set, file := range vectors(t) {
		for _, c := range file.MaxAge {
			payload, signedAt, _, err := NewSigner(c.Salt, Keys{Secret: c.SecretKey}).Unsign(c.Signed)
			if err != nil {
				t.Fatal(err)
			}
			if c.MaxAge != nil {
				now := time.Unix(0, int64(c.Now*1e3)*1e6)
				err = CheckAge(signedAt, now, time.Duration(*c.MaxAge)*time.Second)
			}
			if expired := c.Error != nil; errors.Is(err, ErrExpired) != expired || !expired && payload != *c.Value {
				t.Errorf("%s: at %.1f of %d, max age %v: %v, want expired = %t", set, c.Now, c.SignedAt, c.MaxAge, err, expired)
			}
		}
	}
}

func TestCheckNotFuture_9_2_1(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for ahead, want := range map[time.Duration]error{
		-time.Hour: nil, 0: nil, MaxSkew: nil, MaxSkew + time.Second: ErrFuture, 1000 * time.Hour: ErrFuture,
	} {
		if err := CheckNotFuture(now.Add(ahead), now); !errors.Is(err, want) {
			t.Errorf("%v ahead: %v, want %v", ahead, err, want)
		}
	}
}

func TestUnsign_9_1_1(t *testing.T) {
	at := time.Unix(1700000000, 0)
	keys := Keys{Secret: "new", Fallbacks: []string{"old", "older"}}
	good := NewSigner("salt", keys).Sign("payload", at)
	sha1 := "payload:1r31eq:" // made below
	sha1 += NewLegacySigner("salt", keys).accept[3].signature("payload:1r31eq")
	for _, c := range []struct {
		name, text string
		salt       string
		legacy     bool
		fallback   bool
		want       error
	}{
		{"ours", good, "salt", false, false, nil},
		{"fallback", NewSigner("salt", Keys{Secret: "old"}).Sign("payload", at), "salt", false, true, nil},
		{"last fallback", NewSigner("salt", Keys{Secret: "older"}).Sign("payload", at), "salt", false, true, nil},
		{"removed key", NewSigner("salt", Keys{Secret: "oldest"}).Sign("payload", at), "salt", false, false, ErrBadSignature},
		{"empty key", NewSigner("salt", Keys{}).Sign("payload", at), "salt", false, false, ErrBadSignature},
		{"another salt", good, "other", false, false, ErrBadSignature},
		{"SHA-1 unasked", sha1, "salt", false, false, ErrBadSignature},
		{"SHA-1", sha1, "salt", true, false, nil},
		{"SHA-256 in legacy", good, "salt", true, false, nil},
		{"payload changed", "Payload" + good[7:], "salt", false, false, ErrBadSignature},
		{"time changed", strings.Replace(good, "1r31eq", "1r31er", 1), "salt", false, false, ErrBadSignature},
		{"signature cut", good[:len(good)-1], "salt", false, false, ErrBadSignature},
		{"signature padded", good + "=", "salt", false, false, ErrBadSignature},
		{"newline", good + "\n", "salt", false, false, ErrBadSignature},
		{"no signature", "payload:1r31eq:", "salt", false, false, ErrBadSignature},
		{"no colon", "payload", "salt", false, false, ErrBadSignature},
		{"empty", "", "salt", false, false, ErrBadSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSigner(c.salt, keys)
			if c.legacy {
				s = NewLegacySigner(c.salt, keys)
			}
			payload, signedAt, fallback, err := s.Unsign(c.text)
			if !errors.Is(err, c.want) || fallback != c.fallback {
				t.Fatalf("Unsign(%q) = fallback %t, %v; want %t, %v", c.text, fallback, err, c.fallback, c.want)
			}
			if err == nil && (payload != "payload" || !signedAt.Equal(at)) {
				t.Errorf("Unsign(%q) = %q at %v", c.text, payload, signedAt)
			}
		})
	}
}

func TestUnsign_badTimestamp(t *testing.T) {
	s := NewSigner("salt", Keys{Secret: "key"})
	for _, signed := range []string{"payload", "payload:", "payload:!!!", "payload:zzzzzzzzzzzzzz", ":"} {
		text := signed + ":" + s.sign.signature(signed)
		if _, _, _, err := s.Unsign(text); !errors.Is(err, ErrBadTimestamp) {
			t.Errorf("Unsign(%q): %v, want %v", text, err, ErrBadTimestamp)
		}
	}
}

func TestConstantTimeEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"", "a", false}} {
		if got := ConstantTimeEqual(c.a, c.b); got != c.want {
			t.Errorf("ConstantTimeEqual(%q, %q) = %t", c.a, c.b, got)
		}
	}
}

func FuzzUnsign(f *testing.F) {
	for _, file := range vectors(f) {
		for _, c := range file.TimestampSign {
			f.Add(c.SecretKey, c.Salt, c.Signed)
		}
	}
	f.Fuzz(func(t *testing.T, secret, salt, text string) {
		s := NewLegacySigner(salt, Keys{Secret: secret, Fallbacks: []string{"fallback"}})
		payload, signedAt, _, err := s.Unsign(text)
		if err == nil && strings.Count(text, ":") < 2 {
			t.Fatalf("Unsign accepted %q", text)
		}
		if err == nil {
			payload2, at2, fallback, err := s.Unsign(s.Sign(payload, signedAt))
			if payload2 != payload || !at2.Equal(signedAt) || fallback || err != nil {
				t.Fatalf("%q signed again is %q at %v, %t, %v", payload, payload2, at2, fallback, err)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	s, now := NewSigner("salt", Keys{Secret: "secret"}), time.Unix(1700000000, 0)
	payload := strings.Repeat("x", 200)
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(payload, now)
	}
}

func BenchmarkUnsign(b *testing.B) {
	s := NewSigner("salt", Keys{Secret: "secret"})
	text := s.Sign(strings.Repeat("x", 200), time.Unix(1700000000, 0))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := s.Unsign(text); err != nil {
			b.Fatal(err)
		}
	}
}
