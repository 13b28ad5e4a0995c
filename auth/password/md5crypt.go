package password

import (
	"crypto/md5"
	"strings"
)

// md5Crypt is the MD5 form of crypt(3), "$1$", and Apache's, "$apr1$", which differ in that text alone: MAGIC SALT $ HASH, 1000 rounds.
type md5Crypt struct {
	readOnly
	magic string
}

func newCryptMD5() Hasher  { return md5Crypt{readOnly{"crypt_md5"}, "$1$"} }
func newCryptAPR1() Hasher { return md5Crypt{readOnly{"crypt_apr1"}, "$apr1$"} }

func (f md5Crypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, f.magic) }

func (f md5Crypt) Verify(password, encoded string) (bool, error) {
	salt, hash, ok := strings.Cut(strings.TrimPrefix(encoded, f.magic), "$")
	if !ok || len(salt) > 8 || len(hash) != 22 || !only(hash, itoa64) {
		return false, f.malformed("not of the form SALT$HASH")
	}
	return cryptable(password) && equal(hash, f.digest(password, salt)), nil
}

// digest follows FreeBSD's crypt-md5.c, step by step.
func (f md5Crypt) digest(password, salt string) string {
	inner := md5.Sum([]byte(password + salt + password))
	text := []byte(password + f.magic + salt)
	for n := len(password); n > 0; n -= md5.Size {
		text = append(text, inner[:min(n, md5.Size)]...)
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			text = append(text, 0)
		} else {
			text = append(text, password[0])
		}
	}
	sum := md5.Sum(text)
	for i := range 1000 {
		sum = md5.Sum(md5CryptRound(text[:0], i, sum[:], password, salt))
	}
	return md5CryptEncode(sum)
}

// md5CryptRound puts together what round i hashes.
func md5CryptRound(text []byte, i int, sum []byte, password, salt string) []byte {
	add := func(odd bool) {
		if odd {
			text = append(text, password...)
		} else {
			text = append(text, sum...)
		}
	}
	add(i%2 == 1)
	if i%3 != 0 {
		text = append(text, salt...)
	}
	if i%7 != 0 {
		text = append(text, password...)
	}
	add(i%2 == 0)
	return text
}

// md5CryptEncode writes the bytes in crypt's order, least significant digit first.
func md5CryptEncode(sum [md5.Size]byte) string {
	var ordered []byte
	for i := range 5 {
		ordered = append(ordered, sum[[]int{12, 13, 14, 15, 5}[i]], sum[i+6], sum[i])
	}
	return encode64(ordered) + encode64([]byte{sum[11]})
}

// encode64 is the little-endian base 64 of crypt(3) and phpass: three bytes, least significant first, make four digits.
func encode64(data []byte) string {
	var out strings.Builder
	for len(data) > 0 {
		n := min(3, len(data))
		value := 0
		for i, b := range data[:n] {
			value |= int(b) << (8 * i)
		}
		for range n + 1 {
			out.WriteByte(itoa64[value&63])
			value >>= 6
		}
		data = data[n:]
	}
	return out.String()
}
