package pyvalue

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// AppendJSON appends d as Python's json.dumps(d, separators=(",", ":")) writes it: pure ASCII, keys in order, keys that
// are not strings turned into strings, tuples as lists. Bytes, sets and opaque values are an [ErrKind], as they are a
// TypeError in Python. On an error dst is returned as it was.
func AppendJSON(dst []byte, d *Dict) ([]byte, error) {
	if err := verify(d); err != nil {
		return dst, fmt.Errorf("write JSON: %w", err)
	}
	w := jsonWriter{buf: dst, end: len(dst) + MaxSize}
	if err := w.dict(d); err != nil {
		return dst, fmt.Errorf("write JSON: %w", err)
	}
	return w.buf, nil
}

type jsonWriter struct {
	buf []byte
	end int // the length buf may reach
}

func (w *jsonWriter) value(v Value) error {
	switch v := v.(type) {
	case Str:
		return w.text(string(v))
	case Tuple:
		return w.list(v)
	case *List:
		return w.list(v.Items)
	case *Dict:
		return w.dict(v)
	}
	token, err := scalar(v)
	if err != nil {
		return err
	}
	w.buf = append(w.buf, token...)
	return w.room()
}

// room ends a write that grows out of bounds, which shared references could do.
func (w *jsonWriter) room() error {
	if len(w.buf) > w.end {
		return errTooLarge
	}
	return nil
}

func (w *jsonWriter) list(items []Value) error {
	w.buf = append(w.buf, '[')
	for i, item := range items {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, ']')
	return w.room()
}

func (w *jsonWriter) dict(d *Dict) error {
	w.buf = append(w.buf, '{')
	for i, e := range d.entries {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if err := w.key(e.Key); err != nil {
			return err
		}
		w.buf = append(w.buf, ':')
		if err := w.value(e.Value); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '}')
	return w.room()
}

// key writes a key as json.dumps does: {1: …} and {"1": …} both become "1", and if both are there, both are written.
func (w *jsonWriter) key(k Value) error {
	if s, ok := k.(Str); ok {
		return w.text(string(s))
	}
	token, err := scalar(k)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	w.buf = append(append(append(w.buf, '"'), token...), '"')
	return w.room()
}

// scalar is the JSON token of a value that is neither text nor a container.
func scalar(v Value) (string, error) {
	switch v := v.(type) {
	case None:
		return "null", nil
	case Bool:
		return strconv.FormatBool(bool(v)), nil
	case Int:
		return intToken(v)
	case Float:
		return floatRepr(float64(v)), nil
	}
	return "", fmt.Errorf("%w: JSON cannot hold a %s", ErrKind, kindOf(v))
}

func intToken(i Int) (string, error) {
	if i.tooLong() {
		return "", errLongInt
	}
	return i.String(), nil
}

// tooLong measures bits, and counts digits only at the edge: they cost much time.
func (i Int) tooLong() bool {
	const edge = MaxIntDigits*33220/10000 + 1 // bits of 10^MaxIntDigits, rounded up
	if i.big == nil || i.big.BitLen() != edge {
		return i.big != nil && i.big.BitLen() > edge
	}
	return len(strings.TrimPrefix(i.big.String(), "-")) > MaxIntDigits
}

// floatRepr is Python's repr(float): the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	var tmp [32]byte
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return string(strconv.AppendFloat(tmp[:0], f, 'e', -1, 64))
	}
	out := strconv.AppendFloat(tmp[:0], f, 'f', -1, 64)
	if !bytes.ContainsRune(out, '.') {
		out = append(out, '.', '0')
	}
	return string(out)
}

// text writes s as Python's py_encode_basestring_ascii: everything outside blank…tilde is escaped, DEL too.
func (w *jsonWriter) text(s string) error {
	w.buf = append(w.buf, '"')
	for s != "" {
		n := plainPrefix(s)
		w.buf, s = append(w.buf, s[:n]...), s[n:]
		if s == "" {
			break
		}
		r, size := decodeRune(s)
		if size == 0 {
			return fmt.Errorf("%w: text that is not UTF-8", ErrKind)
		}
		w.buf, s = appendEscape(w.buf, r), s[size:]
		if err := w.room(); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '"')
	return w.room()
}

// plainPrefix is the length of the part of s that JSON holds as it is.
func plainPrefix(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\f':
		return append(dst, `\f`...)
	case '\b':
		return append(dst, `\b`...)
	}
	if r > 0xFFFF {
		r -= 0x10000
		return appendHex4(appendHex4(dst, 0xD800|r>>10), 0xDC00|r&0x3FF)
	}
	return appendHex4(dst, r)
}

func appendHex4(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
