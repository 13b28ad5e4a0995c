package password

import (
	"testing"
)

const (
	horse = "correct horse"
	umlau = "pässwörd ☃"
)

// foreignVectors were made by the tool named, or published with the software they belong to.
var foreignVectors = []struct{ format, maker, password, encoded string }{
	{"crypt_md5", "openssl passwd -1", horse, "$1$koKqvrAM$abxrF.UYTNc1WVVvwuPjT/"},
	{"crypt_md5", "openssl passwd -1", umlau, "$1$L5OybMBK$1OQYXCsv6HbYkGQAax6V.0"},
	{"crypt_apr1", "openssl passwd -apr1", horse, "$apr1$hgMQa/Jm$9/1xF85MJ60BSJXssRxjn1"},
	{"crypt_apr1", "htpasswd -m", umlau, "$apr1$lcdf2RFc$1uy1FMyO.FQbqz4aZEg.6."},
	{"crypt_sha256", "openssl passwd -5", horse, "$5$gegnGzjGJGjFrKBo$6T5fCz.ZZ9zwZ3Ph7rISqfs6cRKxud0LmSvE5cVoUI4"},
	{"crypt_sha256", "mkpasswd -R 12345", umlau, "$5$rounds=12345$Xkc/.jZAT02Sw.vl$jj2EEhtzV6JKoFnrcyd69xckxSs4YmrNnu.aewKpvj6"},
	{"crypt_sha512", "openssl passwd -6", horse, "$6$KreTAiMyD.wzZEc8$Oce6KHtLsDILZqGfWJ94fex9FKfOqz8vlfqADBLvVHI63Cok9WHczmnNsjbZTpJt/U3GinLrmZnMD0k7kdnJP0"},
	{"crypt_sha512", "perl crypt", umlau, "$6$rounds=2000$saltstring$JdKSJoZ9Rh/DB2yR7XmQaaqFQjqFYwcGmk14WB5e14kbkm.Sumq/0g0/UFEQWEvZiO4eDqwRffqx0ltsRk1yt."},
	{"crypt_yescrypt", "mkpasswd -R 1", horse, "$y$j75$Z.uSNJzlXoUe69hUFPqsI/$DRAUJZGuB7wwvq1fa82ltEChShIsKFlwbjPD28QpUo2"},
	{"crypt_yescrypt", "mkpasswd", umlau, "$y$j9T$kj3FM709dxqUkm.sjaoL2/$PqNRrKzsg/LXvovXPlZi7y7LAW4OS5Vt6GnN3ulAaV/"},
	{"crypt_des", "mkpasswd", horse, "UStAnvcEUp6U6"},
	{"crypt_des", "mkpasswd", umlau, "evTElCtYb.3vM"},
	{"crypt_bcrypt", "mkpasswd -m bcrypt", horse, "$2b$05$pCSLPib5MJTD23HTE1cfOOabybFjRNMp70Y8L5ykAG5Ug3gy/iO9u"},
	{"crypt_bcrypt", "mkpasswd -m bcrypt-a", umlau, "$2a$05$B38.jvVi6mobcNL6t4dH/uAhAZb2tW0JZsUjmmyn4g7ybY7QRqgF6"},
	{"crypt_bcrypt", "htpasswd -B", horse, "$2y$04$LvRtJE/NAc6o3QcJ.oVTJOufmMkkRi4Y6RQmhSPfjrcbWsJ45EbuS"},
	{"crypt_bcrypt", "PHP password_hash", umlau, "$2y$05$bmmB9Mp6uviSThSXdxgPquypR0fCwy34ofKeYdQONN/ds4hbNbkIq"},
	{"wordpress", "PHP, wp_hash_password", horse, "$wp$2y$05$IULbp9DQ5FtvyMpc7FPruODFQJESLLSXFv7eqDu0xie6irapf/FMO"},
	{"wordpress", "PHP, wp_hash_password", umlau + " \n", "$wp$2y$05$uNSVxDh4ykK2gLcbyg5TieMGkM3200x03KZHNwEXoVXrpLOvHh2.y"},
	{"phc_argon2", "PHP password_hash", horse, "$argon2i$v=19$m=1024,t=2,p=1$RzQ2ZHZFR3hFcGY4a2VKcg$cebC4rMol6FihAA+wBBp9Xiz5ZZ2/gqYQENQjmcZkHM"},
	{"phc_argon2", "PHP password_hash", umlau, "$argon2id$v=19$m=1024,t=2,p=1$SFJKL2Nrb2V1NU9EM2lmUA$n/a8Hr4SUgVMoktN9AduGQv0PuZn0IpU+ze4T+hs3fM"},
	{"phc_argon2", "argon2-cffi", horse, "$argon2d$v=19$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$b/xCdD0Cmckd7zE9YBSwqU0UwrmPPlOJ"},
	{"argon2", "argon2-cffi, as Django stores it", umlau, "argon2$argon2d$v=19$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$bYY6sKMUrtRKDqStQhpIeLhx0gK5csPa"},
	{"phc_scrypt", "passlib", horse, "$scrypt$ln=10,r=8,p=1$aG3tXcs55/z/P8c45xzD2A$HAMp9N9w2xggJ2N6v1eIarzTskcPc1+JjUBeOy7Wbfc"},
	{"phc_pbkdf2", "passlib", horse, "$pbkdf2-sha256$1000$SqmVUkpJCWGM8T4HgHBuDQ$Hhmg3yG9IfVUqdapiVDvSsh1pIzgVjJz4OF.GyU46vc"},
	{"phc_pbkdf2", "passlib, rewritten to the PHC parameters", horse, "$pbkdf2-sha256$i=1000,l=32$SqmVUkpJCWGM8T4HgHBuDQ$Hhmg3yG9IfVUqdapiVDvSsh1pIzgVjJz4OF+GyU46vc"},
	{"phc_pbkdf2", "passlib", umlau, "$pbkdf2-sha512$1000$tNZa6x2DsFbKOQcgBOC8Vw$uvxAqVf.QEiCOLMdVkR/YK1zWJn8QJ6i5SzMTp8HulF2ye7UEAaBC8wJ7zO1IxbnHDxWB1Q/wAmE1Os7AiExIw"},
	{"phc_pbkdf2", "passlib", horse, "$pbkdf2$1000$K6U0RijF.L/3vjfm/L93Tg$NOb6Kiy6K6PvfLcg933jFTcQfOc"},
	{"ldap_sha", "htpasswd -s", horse, "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="},
	{"ldap_ssha", "passlib", umlau, "{SSHA}eFGoK1DTB83U0ybud98ECr1NY5WxltLa"},
	{"ldap_ssha", "passlib, scheme in small letters", umlau, "{ssha}eFGoK1DTB83U0ybud98ECr1NY5WxltLa"},
	{"ldap_ssha256", "passlib", horse, "{SSHA256}JpTbq8JoFBqpERjEy8oZcAc7txkCoPpsBFxvHpNqqUhbq3UuRQjh3A=="},
	{"ldap_ssha512", "passlib", umlau, "{SSHA512}q2SrWx83zMnjUNNuh4kl/nmxaiyRsPLt5LhK3QPIrzYvvRvk9YRc015qfSaYjTEZkY6KF4V8ktR8lKAXcM+eDzPGWEspxbg3"},
	{"ldap_crypt", "passlib", horse, "{CRYPT}$6$rounds=1000$8txbpLVVeM4w2SNe$cK/ldvAXT7e6N2pYOLIbYbKPzPmShkJKwceJG9SKjWR5CoragyLy8Sw6BAvsD92lWcs9dDaJRRWsco1vFTNsu0"},
	{"ldap_crypt", "passlib", umlau, "{CRYPT}Z2nh73HgcnIqY"},
	{"ldap_crypt", "passlib", horse, "{CRYPT}$2b$04$VSET9xdUns4R.UBMGzsjse8MHlS5fWpmUC379iuXVoCoIrIVKcq16"},
	{"ldap_crypt", "passlib", umlau, "{crypt}$1$NT0xUhI0$8OSiSl4KuUyITek7Ym/j2/"},
	{"crypt", "mkpasswd, as Django stores it", horse, "crypt$$$5$gegnGzjGJGjFrKBo$6T5fCz.ZZ9zwZ3Ph7rISqfs6cRKxud0LmSvE5cVoUI4"},
	{"phpass", "the author's test", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"},
	{"phpass", "passlib", umlau, "$P$BXFnCZ..9XOubPfpMPycXMO07TZ/HT."},
	{"phpass", "passlib", horse, "$H$64p0VbAgMZUXltjfP2ESttRRq.Ef3y0"},
	{"mediawiki_a", "PHP md5", horse, ":A:3cb4e732631f47e6eb961f34554b7cde"},
	{"mediawiki_b", "PHP md5", umlau, ":B:1a2b3c4d:ee0783c034d8962441e91271b80839b0"},
	{"mediawiki_pbkdf2", "a published wiki dump", "4training", ":pbkdf2:sha512:30000:64:pjtCXscgI3Z0OZDuZv8m9w==:l/Je0AYVy0okCapxuIkAfAxYmgnWu4PmtgJxY2J+3PmYqu77BGVSPA5zBZUwCky/3oV/dqGkhy9sXGXWmUww1w=="},
	{"mediawiki_pbkdf2", "PHP hash_pbkdf2", umlau, ":pbkdf2:sha1:1000:64:l8A3P1DAgZ/Z8BctrukXdA==:ohi/5k06oNr8uqmJFOZTe3MRcpbMSl6PzFItfBoFT1Izqwz32cgWIakj2hiRAqFe28vTnmpuWSpZ8rb9LIIi/Q=="},
	{"mediawiki_bcrypt", "MediaWiki's tests", "U*U*", ":bcrypt:5$CCCCCCCCCCCCCCCCCCCCC.$VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
	{"mediawiki_bcrypt", "MediaWiki's tests", "\xff\xff\xa3", ":bcrypt:5$/OK.fbVrR/bpIqNJ5ianF.$CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
	{"redmine", "Redmine's fixtures", "admin", "redmine$82090c953c4a0000a7db253b0691a6b4$b5b6ff9543bf1387374cdfa27a54c96d236a7150"},
	{"redmine", "Redmine's fixtures", "jsmith", "redmine$67eb4732624d5a7753dcea7ce0bb7d7d$bfbe06043353a677d0215b26a5800d128d5413bc"},
	{plainName, "nobody", "correct horse battery", "correct horse battery"},
	{"redmine", "Python hashlib", umlau, "redmine$0123456789abcdef0123456789abcdef$838b1f05acad2b84441b6c5d4c6d0bc44eee72a4"},
}

// TestForeign_N5: other software's hashes verify, other passwords do not, and no other format but its own claims a hash.
func TestForeign_N5(t *testing.T) {
	t.Parallel()
	for _, v := range foreignVectors {
		t.Run(v.format+" by "+v.maker, func(t *testing.T) {
			h := find(t, v.format)
			if got, err := h.Verify(v.password, v.encoded); !got || err != nil {
				t.Errorf("Verify(%q, %q) = %v, %v, want true", v.password, v.encoded, got, err)
			}
			for _, wrong := range []string{"", "x" + v.password, v.password[1:]} {
				if got, err := h.Verify(wrong, v.encoded); got || err != nil {
					t.Errorf("Verify(%q, %q) = %v, %v, want false", wrong, v.encoded, got, err)
				}
			}
			for _, f := range Formats() {
				if f.Name == plainName && v.format == "crypt_des" {
					continue // 13 letters may be either; TestPlain tells who wins
				}
				if got, want := f.create().Recognizes(v.encoded), f.Name == v.format; got != want {
					t.Errorf("%s.Recognizes(%q) = %v, want %v", f.Name, v.encoded, got, want)
				}
			}
		})
	}
}

// TestWordPress_trim: white space in front counts as little as at the end, and inside it counts.
func TestWordPress_trim(t *testing.T) {
	h := newBCrypt("wordpress", "$wp", "2y", wordPressSecret, 4)
	encoded := mustEncode(t, h, "a b")
	for password, want := range map[string]bool{"a b": true, "\t a b\x0b": true, "a b\x00": true, "ab": false, "a  b": false, "a b\u00a0": false} {
		if got, err := h.Verify(password, encoded); got != want || err != nil {
			t.Errorf("Verify(%q, %q) = %v, %v, want %v", password, encoded, got, err, want)
		}
	}
}

// TestForeign_covered: every format that is listed has a vector.
func TestForeign_covered(t *testing.T) {
	shown := map[string]bool{}
	for _, v := range foreignVectors {
		shown[v.format] = true
	}
	for _, set := range vectorSets {
		for _, v := range readVectors(t, set.folder).FixedSalt {
			shown[v.Algorithm] = true
		}
	}
	for _, f := range Formats() {
		if !shown[f.Name] {
			t.Errorf("format %s has no vector", f.Name)
		}
	}
}
