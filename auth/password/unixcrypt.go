package password

import "strings"

// maxCryptPassword is libxcrypt's CRYPT_MAX_PASSPHRASE_SIZE, in bytes. It keeps the forms whose every round reads the password cheap.
const maxCryptPassword = 512

// cryptable reports whether crypt(3) takes password: it is a C string, and libxcrypt limits it. Python's crypt refuses NUL too.
func cryptable(password string) bool {
	return len(password) <= maxCryptPassword && !strings.Contains(password, "\x00")
}

// unixCrypt is any crypt(3) hash behind a prefix: Django's CryptPasswordHasher (until 5.1, "crypt$$") and LDAP's {CRYPT}.
type unixCrypt struct {
	readOnly
	prefix string
	forms  []Hasher
}

func newDjangoCrypt() Hasher { return unixCrypt{readOnly{"crypt"}, "crypt$", cryptForms()} }
func newLDAPCrypt() Hasher   { return unixCrypt{readOnly{"ldap_crypt"}, "{CRYPT}", cryptForms()} }

// cryptForms are the forms of crypt(3) that /etc/shadow and its kin may hold.
func cryptForms() []Hasher {
	return []Hasher{newCryptDES(), newCryptMD5(), newCryptSHA256(), newCryptSHA512(), newYescrypt(), NewBareBCrypt(0)}
}

func (f unixCrypt) Recognizes(encoded string) bool { return hasPrefixFold(encoded, f.prefix) }

func (f unixCrypt) Verify(password, encoded string) (bool, error) {
	hash := encoded[len(f.prefix):]
	if f.prefix == "crypt$" { // crypt$SALT$HASH, the salt is empty since long and repeated in HASH anyway
		_, hash, _ = strings.Cut(hash, "$")
	}
	for _, form := range f.forms {
		if form.Recognizes(hash) {
			return form.Verify(password, hash)
		}
	}
	return false, f.malformed("not a crypt(3) hash that is known here")
}

func (f unixCrypt) Memory(encoded string) int64 {
	if i := strings.Index(encoded, "$y$"); i >= 0 {
		return yescrypt{}.Memory(encoded[i:])
	}
	return 0
}

// hasPrefixFold: the names of LDAP schemes are compared without case (RFC 2307 section 5.3).
func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// cryptDES is the traditional form: 13 characters, two of them salt.
type cryptDES struct{ readOnly }

func newCryptDES() Hasher { return cryptDES{readOnly{"crypt_des"}} }

func (cryptDES) Recognizes(encoded string) bool { return len(encoded) == 13 && only(encoded, itoa64) }

func (cryptDES) Verify(password, encoded string) (bool, error) {
	return cryptable(password) && equal(encoded, desCrypt(password, encoded)), nil
}
