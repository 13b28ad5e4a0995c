package password

import (
	"fmt"
	"slices"
	"strings"
)

// Format is one line of the list of what password_formats may name.
type Format struct {
	Name   string
	Looks  string // how a stored hash begins
	Weak   bool   // plain or unsalted: never part of a preset
	create func() Hasher
}

// Formats lists every format. Those that Django writes come first, in the order of its default PASSWORD_HASHERS.
func Formats() []Format {
	return []Format{
		{"pbkdf2_sha256", "pbkdf2_sha256$", false, func() Hasher { return NewPBKDF2SHA256(0) }},
		{"pbkdf2_sha1", "pbkdf2_sha1$", false, func() Hasher { return NewPBKDF2SHA1(0) }},
		{"argon2", "argon2$argon2id$", false, func() Hasher { return NewArgon2(Argon2Params{}) }},
		{"bcrypt_sha256", "bcrypt_sha256$$2b$", false, func() Hasher { return NewBCryptSHA256(0) }},
		{"scrypt", "scrypt$", false, NewScrypt},
		{"bcrypt", "bcrypt$$2b$", false, func() Hasher { return NewBCrypt(0) }},
		{"md5", "md5$", false, newDjangoMD5},
		{"sha1", "sha1$", false, newDjangoSHA1},
		{"unsalted_md5", "32 hex digits, md5$$", true, newUnsaltedMD5},
		{"unsalted_sha1", "sha1$$", true, newUnsaltedSHA1},
		{"crypt", "crypt$$", false, newDjangoCrypt},

		{"crypt_bcrypt", "$2a$ $2b$ $2y$", false, func() Hasher { return NewBareBCrypt(0) }},
		{"phc_argon2", "$argon2id$ $argon2i$ $argon2d$", false, func() Hasher { return NewBareArgon2(Argon2Params{}) }},
		{"phc_scrypt", "$scrypt$", false, newPHCScrypt},
		{"phc_pbkdf2", "$pbkdf2-sha256$ $pbkdf2-sha512$ $pbkdf2$", false, newPHCPBKDF2},
		{"crypt_yescrypt", "$y$", false, newYescrypt},
		{"crypt_sha512", "$6$", false, newCryptSHA512},
		{"crypt_sha256", "$5$", false, newCryptSHA256},
		{"crypt_md5", "$1$", false, newCryptMD5},
		{"crypt_apr1", "$apr1$", false, newCryptAPR1},
		{"crypt_des", "13 characters", false, newCryptDES},
		{"ldap_ssha512", "{SSHA512}", false, newLDAPSSHA512},
		{"ldap_ssha256", "{SSHA256}", false, newLDAPSSHA256},
		{"ldap_ssha", "{SSHA}", false, newLDAPSSHA},
		{"ldap_sha", "{SHA}", true, newLDAPSHA},
		{"ldap_crypt", "{CRYPT}", false, newLDAPCrypt},
		{"wordpress", "$wp$2y$", false, newWordPress},
		{"phpass", "$P$ $H$", false, newPhpass},
		{"mediawiki_pbkdf2", ":pbkdf2:", false, newMediaWikiPBKDF2},
		{"mediawiki_bcrypt", ":bcrypt:", false, newMediaWikiBCrypt},
		{"mediawiki_b", ":B:", false, newMediaWikiB},
		{"mediawiki_a", ":A:", true, newMediaWikiA},
		{"redmine", "redmine$", false, newRedmine},
		{plainName, "the password itself", true, newPlain},
	}
}

// defaultFormats is Django's default PASSWORD_HASHERS, newest version: what a project accepts that has not set it.
var defaultFormats = [...]string{"pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt"}

// FromNames makes a Registry of the formats named, the first of them preferred as in Django's PASSWORD_HASHERS; where that one is only
// read, pbkdf2_sha256 is preferred. Two names stand for lists: "auto" for Django's default one, "all" for every format but plain and
// unsalted ones. No names mean auto. The error names the nearest known format.
func FromNames(names []string) (*Registry, error) {
	if len(names) == 0 {
		names = []string{"auto"}
	}
	var hashers []Hasher
	for _, name := range names {
		some, err := named(name)
		if err != nil {
			return nil, err
		}
		hashers = append(hashers, some...)
	}
	slices.SortStableFunc(hashers, func(a, b Hasher) int { return last(a) - last(b) })
	preferred := hashers[0]
	if _, divisible := preferred.(partial); !divisible {
		preferred = NewPBKDF2SHA256(0)
	}
	return NewRegistry(preferred, hashers...), nil
}

// last is 1 for the format that takes what no other wants.
func last(h Hasher) int {
	if h.Algorithm() == plainName {
		return 1
	}
	return 0
}

// named resolves a name or a preset.
func named(name string) ([]Hasher, error) {
	var found []Hasher
	for _, f := range Formats() {
		if f.Name == name || name == "auto" && slices.Contains(defaultFormats[:], f.Name) || name == "all" && !f.Weak {
			found = append(found, f.create())
		}
	}
	if found == nil {
		return nil, fmt.Errorf("unknown password format %.64q; the nearest known one is %q", name, nearest(name))
	}
	return found, nil
}

// nearest returns the known name with the smallest edit distance to name, or one that contains it; for a name written like a hash, the
// format whose hashes begin so.
func nearest(name string) string {
	best, distance := "auto", editDistance(name, "auto")
	if d := editDistance(name, "all"); d < distance {
		best, distance = "all", d
	}
	for _, f := range Formats() {
		if strings.ContainsAny(name, "${:") && strings.Contains(f.Looks, name) {
			return f.Name
		}
		if len(name) > 3 && strings.Contains(f.Name, strings.ToLower(name)) && distance > 1 {
			best, distance = f.Name, 1
		}
		if d := editDistance(name, f.Name); d < distance {
			best, distance = f.Name, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes; of long names only the beginning counts.
func editDistance(a, b string) int {
	a = strings.ToLower(a[:min(len(a), 64)])
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
