package pyvalue

import (
	"fmt"
	"math"
	"strings"
)

// ParseJSON reads src as Django's JSONSerializer.loads does (contrib/sessions/serializers.py, core/signing.py): the bytes
// are Latin-1, of equal keys the last value stands in the first one's place, NaN and the infinities are numbers, raw
// control characters and a byte order mark are refused. What is not an object is [ErrNotDict].
func ParseJSON(src []byte) (*Dict, error) {
	d, err := parseJSON(src)
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return d, nil
}

func parseJSON(src []byte) (*Dict, error) {
	if len(src) > MaxSize {
		return nil, errTooLarge
	}
	r := jsonReader{text: string(src), left: MaxValues}
	r.blank()
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.blank(); r.pos != len(r.text) {
		return nil, r.unexpected()
	}
	d, ok := v.(*Dict)
	if !ok {
		return nil, fmt.Errorf("%w but a %s", ErrNotDict, kindOf(v))
	}
	return d, nil
}

// jsonReader walks over text, one copy of the source that all plain strings are cut from.
type jsonReader struct {
	text  string
	pos   int
	left  int     // values that may still come
	items []Value // of the lists and objects that are open, innermost last
}

func (r *jsonReader) unexpected() error {
	if r.pos >= len(r.text) {
		return fmt.Errorf("%w: unexpected end", ErrMalformed)
	}
	return fmt.Errorf("%w: unexpected character at byte %d", ErrMalformed, r.pos)
}

// peek returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

// take skips c, if it is next.
func (r *jsonReader) take(c byte) bool {
	if r.peek() != c || r.pos >= len(r.text) {
		return false
	}
	r.pos++
	return true
}

// blank skips what Python's decoder does: not every Unicode blank.
func (r *jsonReader) blank() {
	for {
		switch r.peek() {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

func (r *jsonReader) value(depth int) (Value, error) {
	if r.left--; r.left < 0 {
		return nil, errTooMany
	}
	switch r.peek() {
	case '"':
		s, err := r.str()
		return Str(s), err
	case '{':
		return r.dict(depth + 1)
	case '[':
		return r.list(depth + 1)
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return r.number()
	}
	return r.token()
}

// token reads a word, or a number with a sign.
func (r *jsonReader) token() (Value, error) {
	for _, t := range [...]struct {
		word  string
		value Value
	}{
		{"null", None{}}, {"true", Bool(true)}, {"false", Bool(false)},
		{"NaN", Float(math.NaN())}, {"Infinity", Float(math.Inf(1))}, {"-Infinity", Float(math.Inf(-1))},
	} {
		if strings.HasPrefix(r.text[r.pos:], t.word) {
			r.pos += len(t.word)
			return t.value, nil
		}
	}
	return r.number()
}

func (r *jsonReader) list(depth int) (Value, error) {
	if depth > MaxDepth {
		return nil, errTooDeep
	}
	r.pos++
	base := len(r.items)
	err := r.members(']', func() error {
		v, err := r.value(depth)
		r.push(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &List{Items: r.pop(base)}, nil
}

func (r *jsonReader) dict(depth int) (Value, error) {
	if depth > MaxDepth {
		return nil, errTooDeep
	}
	r.pos++
	base := len(r.items)
	if err := r.members('}', func() error { return r.pair(depth) }); err != nil {
		return nil, err
	}
	d := &Dict{entries: entriesOf(r.items[base:])}
	r.items = r.items[:base]
	d.lastWins()
	return d, nil
}

func (r *jsonReader) pair(depth int) error {
	if r.left--; r.left < 0 {
		return errTooMany
	}
	if r.peek() != '"' {
		return r.unexpected()
	}
	key, err := r.str()
	if err != nil {
		return err
	}
	if r.blank(); !r.take(':') {
		return r.unexpected()
	}
	r.blank()
	r.push(Str(key))
	v, err := r.value(depth)
	r.push(v)
	return err
}

// members reads what stands between commas up to end.
func (r *jsonReader) members(end byte, member func() error) error {
	if r.blank(); r.take(end) {
		return nil
	}
	for {
		if err := member(); err != nil {
			return err
		}
		if r.blank(); r.take(end) {
			return nil
		}
		if !r.take(',') {
			return r.unexpected()
		}
		r.blank()
	}
}

func (r *jsonReader) push(v Value) { r.items = appendAll(r.items, []Value{v}) }

func (r *jsonReader) pop(base int) []Value {
	items := append([]Value(nil), r.items[base:]...)
	r.items = r.items[:base]
	return items
}
