package password

import (
	"errors"
	"strings"
	"testing"
)

// TestLimits_11_4_2: a planted hash whose work factor is above the limit is refused before any work; the limit itself is accepted by
// the parsers, which is all that is asked here.
func TestLimits_11_4_2(t *testing.T) {
	a := func(n int) string { return strings.Repeat("A", n) }
	for _, c := range []struct{ format, encoded string }{
		{"pbkdf2_sha256", "pbkdf2_sha256$5000001$salt$" + a(43) + "="},
		{"pbkdf2_sha1", "pbkdf2_sha1$9223372036854775808$salt$" + a(27) + "="},
		{"argon2", "argon2$argon2id$v=19$m=262145,t=1,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$m=1024,t=17,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$m=262144,t=5,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2d$v=19$m=1024,t=1,p=65$" + a(22) + "$" + a(43)},
		{"phc_argon2", "$argon2i$v=19$m=4294967295,t=4294967295,p=16777215$" + a(22) + "$" + a(43)},
		{"bcrypt", "bcrypt$$2b$17$" + a(53)},
		{"bcrypt_sha256", "bcrypt_sha256$$2b$31$" + a(53)},
		{"crypt_bcrypt", "$2y$17$" + a(53)},
		{"wordpress", "$wp$2y$17$" + a(53)},
		{"mediawiki_bcrypt", ":bcrypt:17$" + a(22) + "$" + a(31)},
		{"scrypt", "scrypt$262144$salt$16$1$" + a(86) + "=="},
		{"scrypt", "scrypt$2097152$salt$8$1$" + a(86) + "=="},
		{"scrypt", "scrypt$16384$salt$8$17$" + a(86) + "=="},
		{"scrypt", "scrypt$16384$salt$8$1073741823$" + a(86) + "=="},
		{"phc_scrypt", "$scrypt$ln=21,r=8,p=1$" + a(22) + "$" + a(43)},
		{"phc_scrypt", "$scrypt$ln=58,r=8,p=1$" + a(22) + "$" + a(43)},
		{"phc_pbkdf2", "$pbkdf2-sha256$5000001$" + a(22) + "$" + a(43)},
		{"phc_pbkdf2", "$pbkdf2-sha1$i=2500001,l=40$" + a(22) + "$" + a(54)},
		{"mediawiki_pbkdf2", ":pbkdf2:sha256:1250001:128:" + a(22) + "==:" + a(171) + "="},
		{"crypt_sha256", "$5$rounds=999999999$salt$" + a(43)},
		{"crypt_sha512", "$6$rounds=1000001$salt$" + a(86)},
		{"crypt_yescrypt", "$y$jGT$" + a(22) + "$" + a(43)},
		{"crypt_yescrypt", "$y$jzz$" + a(22) + "$" + a(43)},
		{"ldap_crypt", "{CRYPT}$6$rounds=1000001$salt$" + a(86)},
		{"crypt", "crypt$$$y$jzz$" + a(22) + "$" + a(43)},
		{"phpass", "$P$H" + a(30)},
		{"phpass", "$H$z" + a(30)},
	} {
		h := find(t, c.format)
		if ok, err := h.Verify("pw", c.encoded); ok || !errors.Is(err, ErrTooCostly) {
			t.Errorf("%s: Verify(%q) = %v, %v, want ErrTooCostly", c.format, c.encoded, ok, err)
		}
		h.Harden("pw", c.encoded)
		if !h.Outdated(c.encoded) {
			t.Errorf("%s: Outdated(%q) = false, want true", c.format, c.encoded)
		}
		if m, ok := h.(memoryUser); ok && m.Memory(c.encoded) > maxScryptMemory {
			t.Errorf("%s: Memory(%q) = %d, want none for a refused hash", c.format, c.encoded, m.Memory(c.encoded))
		}
	}
}

// TestMalformed: every cut of a good hash, and every good hash with one byte replaced, is judged without a panic and never matches.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, v := range foreignVectors {
		h := find(t, v.format)
		for n := range len(v.encoded) {
			if cut := v.encoded[:n]; h.Recognizes(cut) {
				if ok, _ := h.Verify(v.password, cut); ok && strings.TrimRight(v.encoded, "=") != strings.TrimRight(cut, "=") {
					t.Errorf("%s: Verify(%q, %q) = true", v.format, v.password, cut)
				}
			}
		}
	}
}

// TestMalformed_shapes are the odd ones.
func TestMalformed_shapes(t *testing.T) {
	a := func(n int) string { return strings.Repeat("A", n) }
	for _, c := range []struct{ format, encoded string }{
		{"argon2", "argon2$argon2id$v=16$m=1024,t=1,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$m=1024,t=1,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2x$v=19$m=1024,t=1,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$t=1,m=1024,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$m=8,t=1,p=4$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$m=1024,t=0,p=1$" + a(22) + "$" + a(43)},
		{"argon2", "argon2$argon2id$v=19$m=1024,t=1,p=1$$"},
		{"argon2", "argon2$"},
		{"bcrypt", "bcrypt$$2x$04$" + a(53)},
		{"bcrypt", "bcrypt$$2b$03$" + a(53)},
		{"bcrypt", "bcrypt$$2b$ 4$" + a(53)},
		{"bcrypt", "bcrypt$$2b$04$" + a(54)},
		{"bcrypt", "bcrypt$$2b$04$" + a(52) + "\x80"},
		{"scrypt", "scrypt$3$salt$8$1$" + a(86) + "=="},
		{"scrypt", "scrypt$1$salt$8$1$" + a(86) + "=="},
		{"scrypt", "scrypt$16384$$8$1$" + a(86) + "=="},
		{"scrypt", "scrypt$-16384$salt$8$1$" + a(86) + "=="},
		{"crypt", "crypt$$*0"},
		{"crypt", "crypt$"},
		{"crypt_md5", "$1$salt"},
		{"crypt_sha512", "$6$rounds=999$salt$" + a(86)},
		{"crypt_sha512", "$6$seventeen.letters$" + a(86)},
		{"crypt_yescrypt", "$y$k9T$" + a(22) + "$" + a(43)},
		{"crypt_yescrypt", "$y$j9T$$" + a(43)},
		{"phpass", "$P$5" + a(29)},
		{"phpass", "$P$." + a(30)},
		{"phc_pbkdf2", "$pbkdf2-md5$1000$" + a(22) + "$" + a(43)},
		{"phc_pbkdf2", "$pbkdf2-sha256$0$" + a(22) + "$" + a(43)},
		{"phc_pbkdf2", "$pbkdf2-sha256$1000$" + a(22) + "$"},
		{"mediawiki_pbkdf2", ":pbkdf2:sha256:1000:64:" + a(22) + "==:" + a(43) + "="},
		{"mediawiki_b", ":B:salt"},
		{"ldap_ssha", "{SSHA}" + a(27) + "="},
		{"ldap_sha", "{SHA}" + a(36)},
		{"redmine", "redmine$salt$"},
	} {
		if ok, err := find(t, c.format).Verify("pw", c.encoded); ok || !errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooCostly) {
			t.Errorf("%s: Verify(%q) = %v, %v, want ErrMalformed", c.format, c.encoded, ok, err)
		}
	}
}
