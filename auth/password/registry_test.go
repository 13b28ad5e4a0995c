package password

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"strings"
	"testing"
	"time"
)

// meter counts the hash passes that are really executed; each is a microsecond of its clock.
type meter struct{ passes int }

func (m *meter) now() time.Time {
	return time.Unix(0, 0).Add(time.Duration(m.passes) * time.Microsecond)
}

type meteredHash struct {
	hash.Hash
	meter *meter
}

func (h meteredHash) Sum(b []byte) []byte {
	h.meter.passes++
	return h.Hash.Sum(b)
}

// metered is Django's default hasher, or one of another name, with counted work.
func (m *meter) metered(algorithm string, iterations int) djangoPBKDF2 {
	h := newDjangoPBKDF2(algorithm, sha256.New, sha256.Size, iterations)
	h.hash = func() hash.Hash { return meteredHash{sha256.New(), m} }
	return h
}

func mustEncode(t testing.TB, h Hasher, password string) string {
	t.Helper()
	encoded, err := h.Encode(password)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestCheck_6_3_8: known, unknown, unusable, malformed, outdated and other-format users take the same work, right or wrong.
func TestCheck_6_3_8(t *testing.T) {
	m := &meter{}
	const iterations = 4000
	preferred, other := m.metered("pbkdf2_sha256", iterations), m.metered("pbkdf2_other", 1000)
	r := NewRegistry(preferred, other, newDjangoMD5(), newPhpass())
	r.now = m.now
	ctx := context.Background()
	if err := r.Burn(ctx, "measures the pace"); err != nil {
		t.Fatal(err)
	}
	want := m.passes
	for _, c := range []struct{ name, encoded string }{
		{"preferred", mustEncode(t, preferred, "right")},
		{"fewer iterations", mustEncode(t, m.metered("pbkdf2_sha256", 500), "right")},
		{"other format", mustEncode(t, other, "right")},
		{"cheap format", mustEncode(t, newDjangoMD5(), "right")},
		{"unusable", "!lcKHRwV0ODzz42N1FAtRWWANApnQHRM4Kvwequfo"},
		{"empty", ""},
		{"unknown format", "foo$bar$baz"},
		{"malformed", "pbkdf2_sha256$x$y$z"},
		{"too costly", "pbkdf2_sha256$5000001$salt$" + strings.Repeat("A", 43) + "="},
		{"longer than any", strings.Repeat("x", 5000)},
	} {
		for _, password := range []string{"right", "wrong", ""} {
			before := m.passes
			_, _, _ = r.Check(ctx, password, c.encoded)
			if work := m.passes - before; work < want*99/100 || work > want*101/100 {
				t.Errorf("%s, password %q: %d hash passes, want %d as for an unknown user", c.name, password, work, want)
			}
		}
	}
}

// TestCheck_costlier: what a stored hash costs more than the preferred one cannot be taken back; nothing is added to it.
func TestCheck_costlier(t *testing.T) {
	m := &meter{}
	r := NewRegistry(m.metered("pbkdf2_sha256", 1000), m.metered("pbkdf2_other", 1000))
	r.now = m.now
	_ = r.Burn(context.Background(), "measures the pace")
	for _, algorithm := range []string{"pbkdf2_sha256", "pbkdf2_other"} {
		before := m.passes
		encoded := mustEncode(t, m.metered(algorithm, 3000), "pw")
		want := m.passes - before
		before = m.passes
		if ok, outdated, err := r.Check(context.Background(), "pw", encoded); !ok || !outdated || err != nil {
			t.Errorf("Check(%s) = %v, %v, %v, want true, outdated", algorithm, ok, outdated, err)
		}
		if work := m.passes - before; work > want+10 {
			t.Errorf("%s: %d hash passes, want %d", algorithm, work, want)
		}
	}
}

// TestHarden: the formats of Django whose work is not iterations do the missing share too.
func TestHarden(t *testing.T) {
	for _, c := range []struct {
		weak, strong Hasher
	}{
		{NewBCrypt(4), NewBCrypt(5)},
		{NewArgon2(Argon2Params{Time: 1, Memory: 1024, Threads: 1}), NewArgon2(Argon2Params{Time: 2, Memory: 1024, Threads: 1})},
		{djangoScrypt{scryptCost{1 << 6, 8, 1}}, djangoScrypt{scryptCost{1 << 8, 8, 2}}},
	} {
		t.Run(c.weak.Algorithm(), func(t *testing.T) {
			encoded := mustEncode(t, c.weak, "pw")
			c.strong.Harden("pw", encoded) // must come back
			c.strong.Harden("p\x00w", "garbage")
			if !c.strong.Outdated(encoded) || c.weak.Outdated(encoded) {
				t.Errorf("Outdated(%q): strong %v, weak %v, want true, false", encoded, c.strong.Outdated(encoded), c.weak.Outdated(encoded))
			}
			if ok, err := c.strong.Verify("pw", encoded); !ok {
				t.Errorf("Verify(pw, %q) = %v, %v, want true", encoded, ok, err)
			}
		})
	}
}

// TestLength_6_2_9: 4096 bytes are a password, 4097 are refused before any work.
func TestLength_6_2_9(t *testing.T) {
	m := &meter{}
	h := m.metered("pbkdf2_sha256", 10)
	r := NewRegistry(h)
	longest := strings.Repeat("x", MaxLength)
	encoded, err := r.Encode(longest)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := r.Check(context.Background(), longest, encoded); !ok || err != nil {
		t.Errorf("Check(%d bytes) = %v, %v, want true", len(longest), ok, err)
	}
	before := m.passes
	if ok, _, err := r.Check(context.Background(), longest+"x", encoded); ok || err != nil {
		t.Errorf("Check(%d bytes) = %v, %v, want false", len(longest)+1, ok, err)
	}
	if err := r.Burn(context.Background(), longest+"x"); err != nil {
		t.Errorf("Burn(%d bytes) = %v", len(longest)+1, err)
	}
	if _, err := r.Encode(longest + "x"); !errors.Is(err, ErrTooLong) {
		t.Errorf("Encode(%d bytes): %v, want ErrTooLong", len(longest)+1, err)
	}
	if m.passes != before {
		t.Errorf("%d hash passes over a password that is too long, want 0", m.passes-before)
	}
}

// TestNUL_N3: a NUL byte is a byte of the password where the format can hold it, and never cuts it.
func TestNUL_N3(t *testing.T) {
	for _, h := range []Hasher{
		NewPBKDF2SHA256(10), NewPBKDF2SHA1(10), NewArgon2(Argon2Params{Time: 1, Memory: 64, Threads: 1}), NewBCryptSHA256(4),
		djangoScrypt{scryptCost{16, 1, 1}}, newDjangoMD5(), newDjangoSHA1(),
	} {
		t.Run(h.Algorithm(), func(t *testing.T) {
			encoded := mustEncode(t, h, "nul\x00byte")
			for password, want := range map[string]bool{"nul\x00byte": true, "nul": false, "nul\x00": false} {
				if ok, err := h.Verify(password, encoded); ok != want || err != nil {
					t.Errorf("Verify(%q, %q) = %v, %v, want %v", password, encoded, ok, err, want)
				}
			}
		})
	}
	for _, v := range foreignVectors {
		if strings.HasPrefix(v.format, "crypt_") || v.format == "ldap_crypt" || v.format == "mediawiki_bcrypt" {
			if ok, err := find(t, v.format).Verify(v.password+"\x00x", v.encoded); ok || err != nil {
				t.Errorf("%s: Verify(%q) = %v, %v, want false: a C string ends there", v.format, v.password+"\x00x", ok, err)
			}
		}
	}
	if _, err := NewBCrypt(4).Encode("nul\x00byte"); err == nil {
		t.Error("bcrypt encodes a password with NUL")
	}
}

// TestErrors: each is what its comment says, and none tells what is stored: it may be somebody's plain password.
func TestErrors(t *testing.T) {
	r := NewRegistry(NewPBKDF2SHA256(10), newDjangoMD5(), newCryptSHA512(), newLDAPSSHA())
	for _, c := range []struct {
		encoded string
		want    error
	}{
		{"", ErrUnusable},
		{"!", ErrUnusable},
		{"!pbkdf2_sha256$10$salt$hash", ErrUnusable},
		{"letmein2024", ErrUnknownFormat},
		{"argon2$argon2id$v=19$letmein2024", ErrUnknownFormat},
		{"pbkdf2_sha256$letmein2024", ErrMalformed},
		{"pbkdf2_sha256$10$$" + strings.Repeat("A", 43) + "=", ErrMalformed},
		{"pbkdf2_sha256$010$letmein2024$" + strings.Repeat("A", 43) + "=", ErrMalformed},
		{"pbkdf2_sha256$99999999999999999999999$letmein2024$" + strings.Repeat("A", 43) + "=", ErrTooCostly},
		{"md5$letmein2024", ErrMalformed},
		{"$6$rounds=1000001$letmein2024$" + strings.Repeat("A", 86), ErrTooCostly},
		{"{SSHA}letmein2024", ErrMalformed},
	} {
		ok, _, err := r.Check(context.Background(), "letmein2024", c.encoded)
		if ok || !errors.Is(err, c.want) || strings.Contains(err.Error(), "letmein") {
			t.Errorf("Check(%q) = %v, %v, want %v without the stored text", c.encoded, ok, err, c.want)
		}
	}
	if !errors.Is(ErrUnusable, ErrUnknownFormat) || !errors.Is(ErrTooCostly, ErrMalformed) {
		t.Error("ErrUnusable is not an ErrUnknownFormat, or ErrTooCostly not an ErrMalformed")
	}
}

// TestEqual_11_2_4: hashes are compared as a whole, whatever their lengths.
func TestEqual_11_2_4(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"abc", "abc", true}, {"abc", "abd", false}, {"abc", "ab", false}, {"", "a", false}} {
		if got := equal(c.a, c.b); got != c.want {
			t.Errorf("equal(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
