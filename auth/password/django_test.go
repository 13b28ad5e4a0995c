package password

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// djangoVectors is passwords.json, made by Django itself (testdata/vectors/README.md).
type djangoVectors struct {
	DefaultHashers []string        `json:"default_PASSWORD_HASHERS"`
	FixedSalt      []encodeVector  `json:"encode_fixed_salt"`
	RandomSalt     []defaultVector `json:"encode_defaults_random_salt"`
	Check          []checkVector   `json:"check"`
}

type encodeVector struct {
	Algorithm, Name, Password, Encoded string
	Verify                             bool
	VerifyWrong                        bool `json:"verify_wrong"`
	Error                              string
}

type defaultVector struct {
	Algorithm, Password, Encoded, Error string
	EncodedLen                          int `json:"encoded_len"`
	Iterations, Rounds                  int
}

type checkVector struct {
	Hashers, Name, Encoded, Password, Raises string
	OK                                       bool    `json:"check_password"`
	Upgrade                                  bool    `json:"upgrade_requested"`
	Usable                                   bool    `json:"is_password_usable"`
	IdentifiedAs                             *string `json:"identified_as"`
}

// vectorSets are the folders of the three Django versions, newest first.
var vectorSets = []struct{ version, folder string }{{"6.1", "django-6.1"}, {"5.2", ""}, {"3.2", "django-3.2"}}

// once remembers what was computed at full cost; under the race detector, which makes it ten times slower, nothing is twice.
type once map[string]bool

func (o once) enough(key string) bool {
	was := o[key]
	o[key] = true
	return was && raceEnabled
}

func readVectors(t testing.TB, folder string) djangoVectors {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/vectors", folder, "passwords.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v djangoVectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// find returns the hasher of a format by name.
func find(t testing.TB, name string) Hasher {
	t.Helper()
	for _, f := range Formats() {
		if f.Name == name {
			return f.create()
		}
	}
	t.Fatalf("format %q is not listed", name)
	return nil
}

// TestVerify_6_2_8 is every encoding Django made with a given salt: Unicode in both normal forms, spaces, 72, 73, 100 and 5000 bytes.
func TestVerify_6_2_8(t *testing.T) {
	t.Parallel()
	computed := once{"argon2": true, "scrypt": true} // by TestEncode_N5
	seen := map[string]bool{}                        // the newer sets repeat each other
	for _, set := range vectorSets {
		for _, v := range readVectors(t, set.folder).FixedSalt {
			if v.Error != "" || seen[v.Encoded] {
				continue // error: that Django had not the library
			}
			seen[v.Encoded] = true
			if costly := v.Algorithm == "argon2" || v.Algorithm == "scrypt"; costly && computed.enough(v.Algorithm) {
				continue
			}
			t.Run(set.version+" "+v.Algorithm+" "+v.Name, func(t *testing.T) {
				h := find(t, v.Algorithm)
				if got, err := h.Verify(v.Password, v.Encoded); got != v.Verify {
					t.Errorf("Verify(%.20q, %q) = %v, %v, want %v", v.Password, v.Encoded, got, err, v.Verify)
				}
				wrong := v.Password[:len(v.Password)-1] + "#" // all but the unicode cases end in one byte
				if strings.HasSuffix(v.Password, "\U0001F511") {
					wrong = strings.TrimSuffix(v.Password, "\U0001F511") + "#"
				}
				if got, err := h.Verify(wrong, v.Encoded); got != v.VerifyWrong {
					t.Errorf("Verify(%.20q, %q) = %v, %v, want %v", wrong, v.Encoded, got, err, v.VerifyWrong)
				}
			})
		}
	}
}

// TestEncode_N5: what Django made by default verifies, is of the length we write, and is not outdated to a hasher of that work factor.
func TestEncode_N5(t *testing.T) {
	t.Parallel()
	computed := once{"bcrypt": true} // as bcrypt_sha256
	for _, set := range vectorSets {
		for _, v := range readVectors(t, set.folder).RandomSalt {
			if v.Error != "" || strings.HasPrefix(v.Algorithm, "unsalted") || computed.enough(v.Algorithm) {
				continue
			}
			t.Run(set.version+" "+v.Algorithm, func(t *testing.T) {
				h := hasherOf(t, v)
				if got, err := h.Verify(v.Password, v.Encoded); !got {
					t.Errorf("Verify(%q, %q) = %v, %v, want true", v.Password, v.Encoded, got, err)
				}
				if v.Algorithm == "crypt" {
					return // never written anew
				}
				if h.Outdated(v.Encoded) {
					t.Errorf("Outdated(%q) = true, want false", v.Encoded)
				}
				if set.version != "6.1" || raceEnabled {
					return
				}
				own, err := h.Encode(v.Password)
				if err != nil || len(own) != v.EncodedLen {
					t.Errorf("Encode(%q) = %q, %v, want %d characters as %q", v.Password, own, err, v.EncodedLen, v.Encoded)
				}
			})
		}
	}
}

// hasherOf has the work factors of the Django that made v.
func hasherOf(t *testing.T, v defaultVector) Hasher {
	switch v.Algorithm {
	case "pbkdf2_sha256":
		return NewPBKDF2SHA256(v.Iterations)
	case "pbkdf2_sha1":
		return NewPBKDF2SHA1(v.Iterations)
	case "argon2":
		return NewArgon2(Argon2Params{HashLength: 16}) // argon2-cffi 21.1
	}
	return find(t, v.Algorithm)
}

// idle is Django's default hasher without the work that only evens out time; TestCheck_6_3_8 is about that.
type idle struct{ djangoPBKDF2 }

func (idle) Work(string, float64)      {}
func (idle) Harden(password, _ string) {}

// TestCheck_Django asks a registry what Django's check_password, must_update and identify_hasher answered.
func TestCheck_Django(t *testing.T) {
	t.Parallel()
	answered, computed := map[string]bool{}, once{"pbkdf2_sha1": true, "bcrypt_sha256": true, "argon2": true} // by TestEncode_N5
	for _, set := range vectorSets {
		vectors := readVectors(t, set.folder)
		registries := map[string]*Registry{
			"default_PASSWORD_HASHERS": djangoRegistry(t, set.version, vectors, "auto"),
			"all_hashers":              djangoRegistry(t, set.version, vectors, "all"),
		}
		for _, v := range vectors.Check {
			t.Run(set.version+" "+v.Hashers+" "+v.Name, func(t *testing.T) {
				r := registries[v.Hashers]
				name, identifyErr := r.Identify(v.Encoded)
				if v.IdentifiedAs == nil && !errors.Is(identifyErr, ErrUnknownFormat) || v.IdentifiedAs != nil && name != *v.IdentifiedAs {
					t.Fatalf("Identify(%q) = %q, %v, want %v", v.Encoded, name, identifyErr, v.IdentifiedAs)
				}
				if v.Usable == errors.Is(identifyErr, ErrUnusable) && v.Encoded != "" {
					t.Errorf("Identify(%q) = %v, want usable %v", v.Encoded, identifyErr, v.Usable)
				}
				if v.IdentifiedAs != nil && (answered[v.Encoded] || computed.enough(*v.IdentifiedAs)) {
					return // the answer does not depend on the list
				}
				answered[v.Encoded] = true
				ok, outdated, err := r.Check(context.Background(), v.Password, v.Encoded)
				if ok != v.OK || ok && outdated != v.Upgrade {
					t.Errorf("Check(%q, %q) = %v, outdated %v, %v, want %v, %v", v.Password, v.Encoded, ok, outdated, err, v.OK, v.Upgrade)
				}
			})
		}
	}
}

// djangoRegistry has the formats of one Django version.
func djangoRegistry(t *testing.T, version string, v djangoVectors, names ...string) *Registry {
	t.Helper()
	if version == "3.2" && names[0] == "all" {
		names = append(names, "unsalted_md5", "unsalted_sha1")
	}
	iterations := v.RandomSalt[0].Iterations
	preferred := idle{NewPBKDF2SHA256(iterations).(djangoPBKDF2)}
	accepted := map[string]bool{}
	var hashers []Hasher
	for _, name := range names {
		some, err := named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range some {
			if absent := version != "3.2" && (h.Algorithm() == "sha1" || h.Algorithm() == "crypt"); !absent && !accepted[h.Algorithm()] {
				hashers = append(hashers, h)
			}
		}
	}
	return NewRegistry(preferred, hashers...)
}
