package pyvalue

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// number follows NUMBER_RE of Python's json/scanner.py. A fraction or exponent makes it a float, also 1.0 and 1e2.
func (r *jsonReader) number() (Value, error) {
	start := r.pos
	r.take('-')
	if !r.take('0') && r.digits() == 0 {
		return nil, r.unexpected()
	}
	whole := r.pos
	if r.fraction(); r.pos > whole {
		return parseFloat(r.text[start:r.pos], &r.left)
	}
	return parseInt(r.text[start:whole], &r.left)
}

func (r *jsonReader) fraction() {
	end := r.pos
	if r.take('.') && r.digits() > 0 {
		end = r.pos
	}
	r.pos = end
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if r.digits() > 0 {
			end = r.pos
		}
	}
	r.pos = end
}

func (r *jsonReader) digits() int {
	start := r.pos
	for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
		r.pos++
	}
	return r.pos - start
}

// parseFloat reads a decimal number; out of range is an infinity, as in Python. One that has more digits than Python
// writes, or comes out as zero by its exponent, costs as much time as one near zero, and counts like it.
func parseFloat(s string, left *int) (Value, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, fmt.Errorf("%w: bad float", ErrMalformed)
	}
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
	}
	if len(strings.TrimLeft(mantissa, "-0.")) > 20 || f == 0 && len(mantissa) < len(s) {
		*left -= 100
	}
	return Float(f), spend(Float(f), left)
}

// parseInt reads decimal digits with, perhaps, a minus sign.
func parseInt(s string, left *int) (Value, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return NewInt(n), nil
	}
	if len(strings.TrimPrefix(s, "-")) > MaxIntDigits {
		return nil, errLongInt
	}
	room := make([]big.Word, 0, len(s)/9+2) // else SetString grows it a word at a time
	n, ok := new(big.Int).SetBits(room).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%w: bad integer", ErrMalformed)
	}
	i := intOf(n)
	return i, spend(i, left)
}
