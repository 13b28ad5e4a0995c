package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// newWordPress is WordPress since 6.8 (wp-includes/pluggable.php wp_hash_password): "$wp" in front of a bcrypt hash.
func newWordPress() Hasher { return newBCrypt("wordpress", "$wp", "2y", wordPressSecret, 0) }

// wordPressSecret trims as wp_hash_password and wp_authenticate do, with PHP's idea of white space. It is the one format here that
// does not take the password as typed: the site it comes from does not either.
func wordPressSecret(password string) string {
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(strings.Trim(password, " \t\n\r\x00\x0b")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
