package pyvalue

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strings"
)

func (r *pickleReader) byte() (byte, error) {
	if r.pos >= len(r.src) {
		return 0, r.malformed("unexpected end")
	}
	r.pos++
	return r.src[r.pos-1], nil
}

func (r *pickleReader) take(n uint64) (string, error) {
	if n > uint64(len(r.src)-r.pos) {
		return "", r.malformed("unexpected end")
	}
	start := r.pos
	r.pos += int(n)
	return r.src[start:r.pos], nil
}

// uint reads a little-endian number of at most eight bytes.
func (r *pickleReader) uint(size int) (uint64, error) {
	s, err := r.take(uint64(size))
	if err != nil {
		return 0, err
	}
	var le [8]byte
	copy(le[:], s)
	return binary.LittleEndian.Uint64(le[:]), nil
}

// line reads up to a newline, as the opcodes of protocol 0 end.
func (r *pickleReader) line() (string, error) {
	i := strings.IndexByte(r.src[r.pos:], '\n')
	if i < 0 {
		return "", r.malformed("unexpected end")
	}
	s := r.src[r.pos : r.pos+i]
	r.pos += i + 1
	return s, nil
}

// sized reads a length of size bytes and as many bytes of data.
func (r *pickleReader) sized(size int) (string, error) {
	n, err := r.uint(size)
	if err != nil {
		return "", err
	}
	return r.take(n)
}

func (r *pickleReader) number(op byte) error {
	switch op {
	case opBinInt1:
		return r.pushUint(1)
	case opBinInt2:
		return r.pushUint(2)
	case opBinInt:
		n, err := r.uint(4)
		return r.pushOr(NewInt(int64(int32(n))), err)
	case opLong1:
		return r.pushLong(1)
	case opLong4:
		return r.pushLong(4)
	case opBinFloat: // big-endian, unlike all else
		s, err := r.take(8)
		if err != nil {
			return err
		}
		return r.push(Float(math.Float64frombits(binary.BigEndian.Uint64([]byte(s)))))
	}
	s, err := r.line()
	if err != nil {
		return err
	}
	return r.decimal(op, s)
}

func (r *pickleReader) pushOr(v Value, err error) error {
	if err != nil {
		return err
	}
	return r.push(v)
}

func (r *pickleReader) pushUint(size int) error {
	n, err := r.uint(size)
	return r.pushOr(NewInt(int64(n)), err)
}

// pushLong reads two's complement, least byte first.
func (r *pickleReader) pushLong(size int) error {
	s, err := r.sized(size)
	if err != nil {
		return err
	}
	if len(s) > MaxIntDigits { // so many bytes are more than so many digits
		return errLongInt
	}
	bytes := []byte(s)
	slices.Reverse(bytes)
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
	}
	i := intOf(n)
	if i.tooLong() {
		return errLongInt
	}
	return r.push(i)
}

// decimal reads the numbers of protocol 0: "1", also "00" and "01" for the booleans; "1L"; repr(float).
func (r *pickleReader) decimal(op byte, s string) error {
	switch {
	case op == opFloat:
		if strings.ContainsAny(s, "xXpP_") { // Go's own notations
			return r.malformed("bad float")
		}
		f, err := parseFloat(s, &r.left)
		return r.pushOr(f, err)
	case op == opInt && (s == "00" || s == "01"):
		return r.push(Bool(s == "01"))
	case op == opLong:
		s = strings.TrimSuffix(s, "L")
	}
	n, err := parseInt(s, &r.left)
	return r.pushOr(n, err)
}

func (r *pickleReader) text(op byte) error {
	var s string
	var err error
	switch op {
	case opUnicode:
		s, err = r.line()
		if err == nil && (strings.Contains(s, `\`) || !ascii(s)) {
			s, err = r.rawUnicode(s)
		}
	case opString:
		s, err = r.quoted()
	case opShortBinUni, opShortBinString:
		s, err = r.sized(1)
	case opBinUnicode, opBinString:
		s, err = r.sized(4)
	case opBinUnicode8:
		s, err = r.sized(8)
	}
	if err != nil {
		return err
	}
	if old := op == opString || op == opBinString || op == opShortBinString; old && !ascii(s) || !validText(s) {
		return r.malformed("bad text")
	}
	return r.push(Str(s))
}

// quoted reads Python 2's repr of a plain string; Python 3 reads it too, but writes none.
func (r *pickleReader) quoted() (string, error) {
	s, err := r.line()
	if err != nil {
		return "", err
	}
	if n := len(s); n < 2 || s[0] != s[n-1] || s[0] != '\'' && s[0] != '"' || strings.Contains(s, `\`) {
		return "", r.malformed("bad string")
	}
	return s[1 : len(s)-1], nil
}

// rawUnicode reads Python's raw_unicode_escape: Latin-1 with \uXXXX and \UXXXXXXXX; no other escape is one.
func (r *pickleReader) rawUnicode(s string) (string, error) {
	out := make([]byte, 0, len(s)+8)
	for s != "" {
		if s[0] != '\\' || len(s) == 1 {
			out, s = appendRune(out, rune(s[0])), s[1:]
			continue
		}
		digits := 4
		switch s[1] {
		case 'u':
		case 'U':
			digits = 8
		default:
			out, s = appendRune(append(out, '\\'), rune(s[1])), s[2:]
			continue
		}
		ch, ok := hexRune(s[2:min(len(s), 2+digits)])
		if !ok || len(s) < 2+digits || ch < 0 || ch > 0x10FFFF {
			return "", r.malformed("bad escape")
		}
		out, s = appendRune(out, ch), s[2+digits:]
	}
	return string(out), nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func (r *pickleReader) bytes(op byte) error {
	size := 8
	switch op {
	case opShortBinBytes:
		size = 1
	case opBinBytes:
		size = 4
	}
	s, err := r.sized(size)
	return r.pushOr(Bytes(s), err)
}
