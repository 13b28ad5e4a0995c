package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// MediaWiki's user_password (includes/password): ":TYPE:" and the type's own fields.

// mediaWikiMD5 is ":A:" with MD5 of the password, or ":B:SALT:" with MD5 of SALT-MD5.
type mediaWikiMD5 struct {
	readOnly
	prefix string
}

func newMediaWikiA() Hasher { return mediaWikiMD5{readOnly{"mediawiki_a"}, ":A:"} }
func newMediaWikiB() Hasher { return mediaWikiMD5{readOnly{"mediawiki_b"}, ":B:"} }

func (f mediaWikiMD5) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, f.prefix) }

func (f mediaWikiMD5) Verify(password, encoded string) (bool, error) {
	rest, computed := strings.TrimPrefix(encoded, f.prefix), md5Hex(password)
	if f.prefix == ":B:" {
		salt, digest, _ := strings.Cut(rest, ":")
		rest, computed = digest, md5Hex(salt+"-"+computed)
	}
	if len(rest) != 32 || !only(rest, hexDigits) {
		return false, f.malformed("not an MD5 in hex")
	}
	return equal(rest, computed), nil
}

// mediaWikiPBKDF2 is ":pbkdf2:HASH:ROUNDS:LENGTH:SALT:KEY", salt and key in base64.
type mediaWikiPBKDF2 struct{ readOnly }

func newMediaWikiPBKDF2() Hasher { return mediaWikiPBKDF2{readOnly{"mediawiki_pbkdf2"}} }

func (mediaWikiPBKDF2) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, ":pbkdf2:") }

func (f mediaWikiPBKDF2) Verify(password, encoded string) (bool, error) {
	parts := strings.Split(encoded, ":")
	if len(parts) != 7 {
		return false, f.malformed("not of the form :pbkdf2:HASH:ROUNDS:LENGTH:SALT:KEY")
	}
	salt, errSalt := base64.StdEncoding.DecodeString(parts[5])
	key, errKey := base64.StdEncoding.DecodeString(parts[6])
	if errSalt != nil || errKey != nil || fmt.Sprint(len(key)) != parts[4] {
		return false, f.malformed("bad salt or key")
	}
	return pbkdf2Matches(f.algorithm, password, parts[2], parts[3], salt, key)
}

// mediaWikiBCrypt is ":bcrypt:COST$SALT$HASH".
type mediaWikiBCrypt struct{ readOnly }

func newMediaWikiBCrypt() Hasher { return mediaWikiBCrypt{readOnly{"mediawiki_bcrypt"}} }

func (mediaWikiBCrypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, ":bcrypt:") }

func (f mediaWikiBCrypt) Verify(password, encoded string) (bool, error) {
	parts := strings.Split(strings.TrimPrefix(encoded, ":bcrypt:"), "$")
	if len(parts) != 3 || len(parts[1]) != 22 {
		return false, f.malformed("not of the form COST$SALT$HASH")
	}
	cost, err := number(f.algorithm, "cost", parts[0], 4, maxCost)
	if err != nil {
		return false, err
	}
	return newBCrypt(f.algorithm, "", "2y", nil, cost).Verify(password, fmt.Sprintf("$2y$%02d$%s%s", cost, parts[1], parts[2]))
}
