package password

import (
	"crypto/md5"
	"strings"
)

// Limits of phpass: 2^cost passes of MD5 over up to 4 KiB. Its own default is 13 (WordPress, phpBB 3).
const (
	minPhpassCost = 7
	maxPhpassCost = 18
)

// phpass is the portable hash of Openwall's phpass: $P$ (WordPress before 6.8, Joomla) or $H$ (phpBB 3), one digit of cost, 8 of salt,
// 22 of hash.
type phpass struct{ readOnly }

func newPhpass() Hasher { return phpass{readOnly{"phpass"}} }

func (phpass) Recognizes(encoded string) bool {
	return strings.HasPrefix(encoded, "$P$") || strings.HasPrefix(encoded, "$H$")
}

func (f phpass) Verify(password, encoded string) (bool, error) {
	if len(encoded) != 34 || !only(encoded[3:], itoa64) {
		return false, f.malformed("not 34 characters")
	}
	cost := strings.IndexByte(itoa64, encoded[3])
	if cost > maxPhpassCost {
		return false, tooCostly(f.algorithm, "cost", maxPhpassCost)
	}
	if cost < minPhpassCost {
		return false, f.malformed("cost is too low")
	}
	sum := md5.Sum([]byte(encoded[4:12] + password))
	text := append(sum[:], password...)
	for range 1 << cost {
		sum = md5.Sum(text)
		copy(text, sum[:])
	}
	return equal(encoded[12:], encode64(sum[:])), nil
}
