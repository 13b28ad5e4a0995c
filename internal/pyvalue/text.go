package pyvalue

import "unicode/utf8"

// decodeRune is utf8.DecodeRuneInString that also knows lone surrogates (three bytes, Python's "surrogatepass"). Size 0
// means that s does not begin with a character.
func decodeRune(s string) (r rune, size int) {
	if s == "" {
		return 0, 0
	}
	if r, size = utf8.DecodeRuneInString(s); r != utf8.RuneError || size > 1 {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return 0, 0
}

// appendRune is utf8.AppendRune that writes surrogates as they are.
func appendRune(dst []byte, r rune) []byte {
	if r < 0xD800 || r > 0xDFFF {
		return utf8.AppendRune(dst, r)
	}
	return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}

// validText tells whether s is UTF-8 with, perhaps, lone surrogates.
func validText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for s != "" {
		_, size := decodeRune(s)
		if size == 0 {
			return false
		}
		s = s[size:]
	}
	return true
}
