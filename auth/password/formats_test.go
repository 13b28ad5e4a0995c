package password

import (
	"strings"
	"testing"
)

func algorithms(r *Registry) string {
	var names []string
	for _, h := range r.accepted {
		names = append(names, h.Algorithm())
	}
	return strings.Join(names, " ")
}

func TestFromNames_N5(t *testing.T) {
	const django = "pbkdf2_sha256 pbkdf2_sha1 argon2 bcrypt_sha256 scrypt"
	for _, c := range []struct{ name, names, want, preferred string }{
		{"default", "", django, "pbkdf2_sha256"},
		{"auto", "auto", django, "pbkdf2_sha256"},
		{"first is preferred", "argon2 pbkdf2_sha256", "argon2 pbkdf2_sha256", "argon2"},
		{"preset after a name", "scrypt auto", "scrypt pbkdf2_sha256 pbkdf2_sha1 argon2 bcrypt_sha256", "scrypt"},
		{"read only", "phpass wordpress", "pbkdf2_sha256 phpass wordpress", "pbkdf2_sha256"},
		{"foreign but written", "crypt_bcrypt phpass", "crypt_bcrypt phpass", "crypt_bcrypt"},
		{"too fast to be preferred", "md5", "pbkdf2_sha256 md5", "pbkdf2_sha256"},
		{"twice", "md5 md5", "pbkdf2_sha256 md5", "pbkdf2_sha256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := FromNames(strings.Fields(c.names))
			if err != nil {
				t.Fatalf("FromNames(%s): %v", c.names, err)
			}
			if got := algorithms(r); got != c.want || r.Preferred() != c.preferred {
				t.Errorf("FromNames(%s) = %s, preferred %s, want %s, %s", c.names, got, r.Preferred(), c.want, c.preferred)
			}
		})
	}
}

// TestFromNames_all: every format but the plain and unsalted ones, each of which can still be named.
func TestFromNames_all(t *testing.T) {
	all, err := FromNames([]string{"all"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Formats() {
		if got := strings.Contains(" "+algorithms(all)+" ", " "+f.Name+" "); got == f.Weak {
			t.Errorf("all has %s: %v, want %v", f.Name, got, !f.Weak)
		}
		r, err := FromNames([]string{f.Name})
		if err != nil || !strings.Contains(algorithms(r), f.Name) {
			t.Errorf("FromNames(%s) = %v, %v", f.Name, r, err)
		}
		if name := f.create().Algorithm(); name != f.Name {
			t.Errorf("format %s is called %s by itself", f.Name, name)
		}
	}
	if weak := "unsalted_md5 unsalted_sha1 ldap_sha mediawiki_a"; strings.Contains(algorithms(all), "unsalted") {
		t.Errorf("all = %s, want none of %s", algorithms(all), weak)
	}
}

func TestFromNames_unknown(t *testing.T) {
	for name, want := range map[string]string{
		"pbkdf2-sha256": "pbkdf2_sha256", "bcrypt_sha255": "bcrypt_sha256", "argon2id": "argon2", "ssha": "ldap_ssha", "{SSHA}": "ldap_ssha",
		"$2y$": "crypt_bcrypt", "$6$": "crypt_sha512", "MD5": "md5", "al": "all", "autp": "auto", "": "all", strings.Repeat("x", 1<<16): "",
	} {
		_, err := FromNames([]string{"scrypt", name})
		if err == nil || !strings.Contains(err.Error(), `"`+want) || len(err.Error()) > 300 {
			t.Errorf("FromNames(%.20q): %.200v, want the hint %q", name, err, want)
		}
	}
}
