package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// DefaultIterations are those of the newest Django's PBKDF2 hashers (6.1): about a quarter of a second of one core.
const DefaultIterations = 1_500_000

// maxIterations counts PBKDF2 rounds over all output blocks (ASVS 11.4.2).
const maxIterations = 5_000_000

// djangoPBKDF2 is Django's PBKDF2PasswordHasher and PBKDF2SHA1PasswordHasher: ALGORITHM$ITERATIONS$SALT$BASE64.
type djangoPBKDF2 struct {
	algorithm  string
	hash       func() hash.Hash
	size       int // bytes of hash's output
	iterations int
}

// NewPBKDF2SHA256 is Django's default hasher. 0 iterations mean [DefaultIterations]; write what the Django projects that share the
// table write, or they write each password back.
func NewPBKDF2SHA256(iterations int) Hasher {
	return newDjangoPBKDF2("pbkdf2_sha256", sha256.New, sha256.Size, iterations)
}

// NewPBKDF2SHA1 is Django's PBKDF2SHA1PasswordHasher; iterations as with [NewPBKDF2SHA256].
func NewPBKDF2SHA1(iterations int) Hasher {
	return newDjangoPBKDF2("pbkdf2_sha1", sha1.New, sha1.Size, iterations)
}

func newDjangoPBKDF2(algorithm string, h func() hash.Hash, size, iterations int) djangoPBKDF2 {
	if iterations <= 0 {
		iterations = DefaultIterations
	}
	return djangoPBKDF2{algorithm, h, size, min(iterations, maxIterations)}
}

func (f djangoPBKDF2) Algorithm() string { return f.algorithm }
func (f djangoPBKDF2) Recognizes(encoded string) bool {
	return strings.HasPrefix(encoded, f.algorithm+"$")
}

func (f djangoPBKDF2) Encode(password string) (string, error) {
	salt := newSalt()
	digest := f.digest(password, salt, f.iterations)
	if digest == "" {
		return "", fmt.Errorf("encode password with %s: not allowed in FIPS 140-only mode", f.algorithm)
	}
	return fmt.Sprintf("%s$%d$%s$%s", f.algorithm, f.iterations, salt, digest), nil
}

func (f djangoPBKDF2) Verify(password, encoded string) (bool, error) {
	iterations, salt, digest, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	return equal(digest, f.digest(password, salt, iterations)), nil
}

// Outdated follows must_update: more iterations than preferred count as well, so do salts under 128 bits.
func (f djangoPBKDF2) Outdated(encoded string) bool {
	iterations, salt, _, err := f.parse(encoded)
	return err != nil || iterations != f.iterations || len(salt) < saltLength
}

// Harden runs the missing iterations (PBKDF2PasswordHasher.harden_runtime).
func (f djangoPBKDF2) Harden(password, encoded string) {
	iterations, salt, _, err := f.parse(encoded)
	if err == nil && iterations < f.iterations {
		f.digest(password, salt, f.iterations-iterations)
	}
}

func (f djangoPBKDF2) Work(password string, share float64) {
	f.digest(password, saltAlphabet[:saltLength], max(1, int(share*float64(f.iterations))))
}

func (f djangoPBKDF2) parse(encoded string) (iterations int, salt, digest string, err error) {
	parts := strings.SplitN(encoded, "$", 4)
	if len(parts) != 4 || parts[0] != f.algorithm || parts[2] == "" || len(parts[2]) > maxSalt {
		return 0, "", "", malformed(f.algorithm, "not of the form ITERATIONS$SALT$HASH")
	}
	if len(parts[3]) != base64.StdEncoding.EncodedLen(f.size) {
		return 0, "", "", malformed(f.algorithm, "hash has the wrong length")
	}
	iterations, err = number(f.algorithm, "iterations", parts[1], 1, maxIterations)
	return iterations, parts[2], parts[3], err
}

func (f djangoPBKDF2) digest(password, salt string, iterations int) string {
	return base64.StdEncoding.EncodeToString(pbkdf2Key(f.hash, password, []byte(salt), iterations, f.size))
}

// pbkdf2Key returns nil, which equals no hash, where the standard library refuses (FIPS-only mode).
func pbkdf2Key(h func() hash.Hash, password string, salt []byte, iterations, length int) []byte {
	key, err := pbkdf2.Key(h, password, salt, iterations, length)
	if err != nil {
		return nil
	}
	return key
}

// pbkdf2Hash returns the hash that PHC strings and MediaWiki call by name, or nil.
func pbkdf2Hash(name string) func() hash.Hash {
	switch name {
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha384":
		return sha512.New384
	case "sha512":
		return sha512.New
	}
	return nil
}
