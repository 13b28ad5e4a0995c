package password

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"
)

// ldapDigest is a userPassword value of the SHA kind: {SCHEME} and base64 of the digest of password+salt, then the salt (RFC 2307, and
// the slapd documentation for the salted ones). One pass: weak, but salted ones at least differ.
type ldapDigest struct {
	readOnly
	scheme string
	hash   func() hash.Hash
	salted bool
}

func newLDAPSHA() Hasher  { return ldapDigest{readOnly{"ldap_sha"}, "{SHA}", sha1.New, false} }
func newLDAPSSHA() Hasher { return ldapDigest{readOnly{"ldap_ssha"}, "{SSHA}", sha1.New, true} }
func newLDAPSSHA256() Hasher {
	return ldapDigest{readOnly{"ldap_ssha256"}, "{SSHA256}", sha256.New, true}
}
func newLDAPSSHA512() Hasher {
	return ldapDigest{readOnly{"ldap_ssha512"}, "{SSHA512}", sha512.New, true}
}

func (f ldapDigest) Recognizes(encoded string) bool { return hasPrefixFold(encoded, f.scheme) }

func (f ldapDigest) Verify(password, encoded string) (bool, error) {
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded[len(f.scheme):], "="))
	h := f.hash()
	if err != nil || len(data) < h.Size() || f.salted != (len(data) > h.Size()) {
		return false, f.malformed("not base64 of a digest")
	}
	digest, salt := data[:h.Size()], data[h.Size():]
	h.Write([]byte(password))
	h.Write(salt)
	return equal(digest, h.Sum(nil)), nil
}
