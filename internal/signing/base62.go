package signing

import (
	"math"
	"strings"
)

// Digits in the order of Django's BASE62_ALPHABET (core/signing.py): upper case before lower case.
const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// EncodeBase62 is Django's b62_encode.
func EncodeBase62(n int64) string {
	return string(appendBase62(nil, n))
}

func appendBase62(dst []byte, n int64) []byte {
	rest := uint64(n)
	if n < 0 {
		dst, rest = append(dst, '-'), -rest
	}
	var digits [11]byte // of 2^63
	i := len(digits)
	for {
		i--
		digits[i] = base62Digits[rest%62]
		if rest /= 62; rest == 0 {
			return append(dst, digits[i:]...)
		}
	}
}

// DecodeBase62 is Django's b62_decode. It reports false for what is no number, or beyond int64.
func DecodeBase62(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 11 {
		return 0, false
	}
	limit := uint64(math.MaxInt64)
	if len(digits) < len(s) {
		limit++
	}
	var n uint64
	for i := range len(digits) {
		d := strings.IndexByte(base62Digits, digits[i])
		if d < 0 || n > (limit-uint64(d))/62 {
			return 0, false
		}
		n = n*62 + uint64(d)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return int64(n), true
}
