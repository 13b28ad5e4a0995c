package password

import "strings"

// The tables of FIPS 46-3, counted from one as printed there. S-boxes are four rows of sixteen hex digits.
var (
	desPC1 = [56]uint8{57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4}
	desPC2 = [48]uint8{14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32}
	desP = [32]uint8{16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25}
	desS = [8]string{
		"e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
		"f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
		"a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
		"7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
		"2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
		"c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
		"4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
		"d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
	}
)

// desShiftOnce are the rounds, counted from zero, whose key halves turn by one bit instead of two.
const desShiftOnce = 1<<0 | 1<<1 | 1<<8 | 1<<15

// desCrypt is traditional crypt(3): 25 times DES over a block of zeros, with an expansion that the salt changes. It uses seven bits of
// each of the first eight bytes. Neither the standard library nor x/crypto has it. setting begins with the two characters of the salt.
func desCrypt(password, setting string) string {
	keys := desKeys(password)
	expansion := desExpansion(setting)
	var left, right [32]uint8
	for range 25 {
		for _, key := range keys {
			left, right = right, desRound(left, right, key, expansion)
		}
		left, right = right, left
	}
	return setting[:2] + desOutput(left, right)
}

// desKeys is the key schedule, one bit a byte.
func desKeys(password string) (keys [16][48]uint8) {
	var key [64]uint8
	for i := range min(len(password), 8) {
		for bit := range 7 {
			key[8*i+bit] = password[i] >> (6 - bit) & 1
		}
	}
	var halves [56]uint8
	for i, from := range desPC1 {
		halves[i] = key[from-1]
	}
	turned := 0
	for round := range keys {
		if turned++; desShiftOnce>>round&1 == 0 {
			turned++
		}
		for i, from := range desPC2 {
			half := int(from-1) / 28 * 28
			keys[round][i] = halves[half+(int(from-1)-half+turned)%28]
		}
	}
	return keys
}

// desExpansion is the E table after the salt's 12 bits have exchanged entries of its halves.
func desExpansion(setting string) (e [48]uint8) {
	for i := range e {
		e[i] = uint8((i/6*4 + i%6 + 31) % 32)
	}
	for i := range 12 {
		if strings.IndexByte(itoa64, setting[i/6])>>(i%6)&1 == 1 {
			e[i], e[i+24] = e[i+24], e[i]
		}
	}
	return e
}

func desRound(left, right [32]uint8, key, expansion [48]uint8) (out [32]uint8) {
	var boxed [32]uint8
	for box := range 8 {
		var in [6]uint8
		for i := range in {
			in[i] = right[expansion[6*box+i]] ^ key[6*box+i]
		}
		row, column := in[0]<<1|in[5], in[1]<<3|in[2]<<2|in[3]<<1|in[4]
		value := strings.IndexByte(hexDigits, desS[box][16*row+column])
		for i := range 4 {
			boxed[4*box+i] = uint8(value >> (3 - i) & 1)
		}
	}
	for i, from := range desP {
		out[i] = left[i] ^ boxed[from-1]
	}
	return out
}

// desOutput is the final permutation, in 11 digits of six bits.
func desOutput(left, right [32]uint8) string {
	var out [11]byte
	for i := range out {
		digit := 0
		for bit := 6 * i; bit < 6*i+6; bit++ {
			digit <<= 1
			if bit < 64 {
				row, column := bit/8, bit%8
				from := []*[32]uint8{&right, &left}[column%2]
				digit |= int(from[8*(column/2)+7-row])
			}
		}
		out[i] = itoa64[digit]
	}
	return string(out[:])
}
