package password

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

// djangoDigest is Django's MD5PasswordHasher and, until 5.1, SHA1PasswordHasher: ALGORITHM$SALT$HEX of one pass over salt+password.
// Weak: whoever reads the table has the passwords.
type djangoDigest struct {
	algorithm string
	digest    func(text string) string
}

func newDjangoMD5() Hasher  { return djangoDigest{"md5", md5Hex} }
func newDjangoSHA1() Hasher { return djangoDigest{"sha1", sha1Hex} }

func (f djangoDigest) Algorithm() string { return f.algorithm }

// Recognizes leaves an empty salt to the unsalted formats, as identify_hasher does.
func (f djangoDigest) Recognizes(encoded string) bool {
	return strings.HasPrefix(encoded, f.algorithm+"$") && !strings.HasPrefix(encoded, f.algorithm+"$$")
}

func (f djangoDigest) Encode(password string) (string, error) {
	salt := newSalt()
	return f.algorithm + "$" + salt + "$" + f.digest(salt+password), nil
}

func (f djangoDigest) Verify(password, encoded string) (bool, error) {
	salt, digest, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	return equal(digest, f.digest(salt+password)), nil
}

func (f djangoDigest) Outdated(encoded string) bool {
	salt, _, err := f.parse(encoded)
	return err != nil || len(salt) < saltLength
}

func (djangoDigest) Harden(password, encoded string) {}

func (f djangoDigest) parse(encoded string) (salt, digest string, err error) {
	parts := strings.SplitN(encoded, "$", 3)
	if len(parts) != 3 || parts[0] != f.algorithm || parts[1] == "" || !only(parts[2], hexDigits) || len(parts[2]) != len(f.digest("")) {
		return "", "", malformed(f.algorithm, "not of the form SALT$HEX")
	}
	return parts[1], parts[2], nil
}

// unsaltedMD5 is Django's UnsaltedMD5PasswordHasher (until 5.1): 32 hex digits, bare or behind "md5$$".
type unsaltedMD5 struct{ readOnly }

func newUnsaltedMD5() Hasher { return unsaltedMD5{readOnly{"unsalted_md5"}} }

func (unsaltedMD5) Recognizes(encoded string) bool {
	digest := strings.TrimPrefix(encoded, "md5$$")
	return len(digest) == 32 && only(digest, hexDigits)
}

func (f unsaltedMD5) Verify(password, encoded string) (bool, error) {
	return equal(strings.TrimPrefix(encoded, "md5$$"), md5Hex(password)), nil
}

// unsaltedSHA1 is Django's UnsaltedSHA1PasswordHasher (until 5.1): "sha1$$" and 40 hex digits.
type unsaltedSHA1 struct{ readOnly }

func newUnsaltedSHA1() Hasher { return unsaltedSHA1{readOnly{"unsalted_sha1"}} }

func (unsaltedSHA1) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, "sha1$$") }

func (f unsaltedSHA1) Verify(password, encoded string) (bool, error) {
	digest := strings.TrimPrefix(encoded, "sha1$$")
	if len(digest) != 40 || !only(digest, hexDigits) {
		return false, f.malformed("not 40 hex digits")
	}
	return equal(digest, sha1Hex(password)), nil
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
