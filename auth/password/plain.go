package password

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// plainName is the format's name in password_formats.
const plainName = "plain"

// plain is a password stored as it is, in tables of old applications. Whoever reads the table has the passwords; it is only read, and no
// preset holds it.
//
// It judges nothing that looks like any hash we know, accepted or not: a stolen hash would otherwise be its own password. Two formats
// look like anything (13 characters, 32 hex digits); those it leaves to the hash only where that one is accepted too.
type plain struct {
	readOnly
	hashes []Hasher
}

func newPlain() Hasher {
	f := plain{readOnly: readOnly{plainName}}
	for _, other := range Formats() {
		if !slices.Contains([]string{plainName, "crypt_des", "unsalted_md5"}, other.Name) {
			f.hashes = append(f.hashes, other.create())
		}
	}
	return f
}

func (f plain) Recognizes(encoded string) bool {
	return encoded != "" && !looksHashed(encoded) && !slices.ContainsFunc(f.hashes, func(h Hasher) bool { return h.Recognizes(encoded) })
}

// looksHashed: a format that we do not know is still no password.
func looksHashed(encoded string) bool {
	return strings.HasPrefix(encoded, "$") && strings.Count(encoded, "$") >= 2 || strings.HasPrefix(encoded, "{") && strings.Contains(encoded, "}") ||
		strings.Count(encoded, "$") >= 2 && len(encoded) > 30
}

// Verify compares digests, so that the time tells nothing of the length either.
func (plain) Verify(password, encoded string) (bool, error) {
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(encoded))
	return equal(a[:], b[:]), nil
}
