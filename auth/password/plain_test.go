package password

import (
	"context"
	"errors"
	"testing"
)

// Plain is read where it is named, never written, and never lets a stolen hash in as its own password.
func TestPlain_11_2_4(t *testing.T) {
	for _, names := range [][]string{{"plain"}, {"plain", "auto"}, {"auto", "plain"}} {
		r, err := FromNames(names)
		if err != nil {
			t.Fatal(err)
		}
		if r.Preferred() != "pbkdf2_sha256" {
			t.Errorf("%q: new hashes are %s", names, r.Preferred())
		}
		for _, c := range []struct {
			stored, typed string
			want          bool
		}{
			{"correct horse", "correct horse", true}, {"correct horse", "correct horse ", false}, {"correct horse", "Correct horse", false},
			{"pässwörd ☃", "pässwörd ☃", true}, {"13 character?", "13 character?", true}, {"abcdefghijklm", "abcdefghijklm", true},
			{"5$ each, 10$ both", "5$ each, 10$ both", true},
		} {
			if ok, outdated, err := r.Check(context.Background(), c.typed, c.stored); ok != c.want || err != nil || ok && !outdated {
				t.Errorf("%q: Check(%q, %q) = %v, outdated %v, %v, want %v", names, c.typed, c.stored, ok, outdated, err, c.want)
			}
		}
		hash, err := NewPBKDF2SHA256(0).Encode("secret")
		if err != nil {
			t.Fatal(err)
		}
		for _, stolen := range []string{
			hash, "md5$abc$900150983cd24fb0d6963f7d28e17f72", "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "{SSHA}abcd", "{UNKNOWN}abcd",
			"$9$unknown$format", "$P$B12345678", "bcrypt_sha512$$2b$12$N9qo8uLOickgx2ZMRZoMye", "", "!", "!unusable", "sha1$$",
		} {
			if ok, _, _ := r.Check(context.Background(), stolen, stolen); ok {
				t.Errorf("%q: the stored %q is its own password", names, stolen)
			}
		}
	}
	r, err := FromNames([]string{"plain", "unsalted_md5"})
	if err != nil {
		t.Fatal(err)
	}
	const digest = "5ebe2294ecd0e0f08eab7690d2a6ee69" // of "secret"
	if ok, _, err := r.Check(context.Background(), "secret", digest); !ok || err != nil {
		t.Errorf("an accepted hash that could be a password: %v, %v", ok, err)
	}
	if ok, _, _ := r.Check(context.Background(), digest, digest); ok {
		t.Error("an accepted hash is its own password")
	}
	if _, err := newPlain().Encode("x"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Encode: %v", err)
	}
}

func BenchmarkPlainRecognizes(b *testing.B) {
	f := newPlain()
	b.ReportAllocs()
	for b.Loop() {
		f.Recognizes("correct horse battery staple")
	}
}
