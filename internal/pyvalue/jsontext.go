package pyvalue

import "fmt"

// str reads a string; the reader stands on its opening quote.
func (r *jsonReader) str() (string, error) {
	r.pos++
	start := r.pos
	r.pos += plainPrefix(r.text[r.pos:])
	if r.peek() == '"' {
		r.pos++
		return r.text[start : r.pos-1], nil
	}
	return r.escaped(append(make([]byte, 0, r.pos-start+32), r.text[start:r.pos]...))
}

// escaped goes on from the first character of a string that is not plain ASCII.
func (r *jsonReader) escaped(out []byte) (string, error) {
	for {
		n := plainPrefix(r.text[r.pos:])
		out = append(out, r.text[r.pos:r.pos+n]...)
		r.pos += n
		switch c := r.peek(); {
		case c == '"':
			r.pos++
			return string(out), nil
		case c == '\\':
			ch, err := r.escape()
			if err != nil {
				return "", err
			}
			out = appendRune(out, ch)
		case c < ' ': // also the end
			return "", r.unexpected()
		default:
			out = appendRune(out, rune(c)) // Latin-1
			r.pos++
		}
	}
}

// escape reads one backslash escape, or two that make a surrogate pair.
func (r *jsonReader) escape() (rune, error) {
	r.pos++
	c := r.peek()
	r.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return r.unicode()
	}
	r.pos--
	return 0, fmt.Errorf("%w: bad escape at byte %d", ErrMalformed, r.pos)
}

// unicode reads the four digits after \u and, behind a high surrogate, the low one. A surrogate alone stays one.
func (r *jsonReader) unicode() (rune, error) {
	high, ok := hex4(r.text[r.pos:])
	if !ok {
		return 0, fmt.Errorf(`%w: bad \u escape at byte %d`, ErrMalformed, r.pos)
	}
	r.pos += 4
	rest := r.text[r.pos:]
	if high>>10 != 0xD800>>10 || len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return high, nil
	}
	low, ok := hex4(rest[2:])
	if !ok || low>>10 != 0xDC00>>10 {
		return high, nil
	}
	r.pos += 6
	return 0x10000 + (high&0x3FF)<<10 + low&0x3FF, nil
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	return hexRune(s[:4])
}

// hexRune reads at most eight digits of either case, and nothing but digits.
func hexRune(s string) (rune, bool) {
	var r uint32
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | uint32(c)
	}
	return rune(r), true
}
