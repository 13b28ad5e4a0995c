package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// saltLength is Django's, in characters of saltAlphabet: 128 bits (BasePasswordHasher.salt).
const (
	saltLength   = 22
	saltAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	itoa64       = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" // crypt(3)'s and phpass's digits
	hexDigits    = "0123456789abcdef"
)

// maxSalt bounds salts, in bytes; nothing known is over 64.
const maxSalt = 256

var b64 = base64.RawStdEncoding.Strict()

// newSalt returns a random salt as Django makes them, without modulo bias.
func newSalt() string {
	salt := make([]byte, 0, saltLength)
	var random [64]byte
	for {
		rand.Read(random[:]) // never fails (crypto/rand, Go 1.24)
		for _, b := range random {
			if int(b) >= len(saltAlphabet)*4 {
				continue
			}
			if salt = append(salt, saltAlphabet[int(b)%len(saltAlphabet)]); len(salt) == saltLength {
				return string(salt)
			}
		}
	}
}

// equal compares hashes in constant time (ASVS 11.2.4). Lengths are no secret.
func equal[T string | []byte](a, b T) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// malformed names the format and the reason, never the hash.
func malformed(algorithm, why string) error {
	return fmt.Errorf("%w: %s: %s", ErrMalformed, algorithm, why)
}

func tooCostly(algorithm, what string, limit int) error {
	return fmt.Errorf("%w: %s: %s over %d", ErrTooCostly, algorithm, what, limit)
}

// number reads a plain decimal between low and high. Signs, spaces and leading zeros are refused: Django compares the text it would
// have written.
func number(algorithm, what, text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case strings.Trim(text, "0123456789") != "" || text == "" || len(text) > 1 && text[0] == '0':
		return 0, malformed(algorithm, what+" is not a number")
	case err != nil || n > high:
		return 0, tooCostly(algorithm, what, high)
	case n < low:
		return 0, malformed(algorithm, what+" is too low")
	}
	return n, nil
}

// only reports whether text has no characters but those of alphabet.
func only(text, alphabet string) bool { return strings.Trim(text, alphabet) == "" }
