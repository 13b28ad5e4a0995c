// Package pyvalue holds Python values as Django's sessions carry them: what was read is written back unchanged and in
// its order, or the write is refused.
package pyvalue

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Value is one Python value: [None], [Bool], [Int], [Float], [Str], [Bytes], *[List], [Tuple], *[Set], *[Dict] or *[Opaque].
// Mutable Python containers are pointers, so that a value referenced twice stays one value through a pickle.
type Value interface {
	pyValue() // closed: only this package defines values
}

type (
	// None is Python's None.
	None struct{}
	// Bool is True or False.
	Bool bool
	// Int is an integer of any size. The zero Int is 0.
	Int struct {
		small int64
		big   *big.Int // set only for what does not fit small, so that == tells most ints apart
	}
	// Float is a float; NaN and the infinities included.
	Float float64
	// Str is a string in UTF-8, with lone surrogates as three bytes each (WTF-8), as Python's "surrogatepass" writes them.
	Str string
	// Bytes is a bytes object.
	Bytes string
	// Tuple is a tuple; a []Value cannot be a map key, so a tuple as key of a Dict is compared by its pickle.
	Tuple []Value
)

// List is a list.
type List struct{ Items []Value }

// Set is a set, or a frozenset.
type Set struct {
	Items  []Value // in the order read
	Frozen bool
}

// Opaque is a value made by a constructor that is known by its exact name (datetime.datetime, decimal.Decimal, uuid.UUID, …).
// It is carried, not understood.
type Opaque struct {
	Module, Name string
	Args         Tuple
	State        Value // BUILD argument, nil when there is none
}

func (None) pyValue()    {}
func (Bool) pyValue()    {}
func (Int) pyValue()     {}
func (Float) pyValue()   {}
func (Str) pyValue()     {}
func (Bytes) pyValue()   {}
func (Tuple) pyValue()   {}
func (*List) pyValue()   {}
func (*Set) pyValue()    {}
func (*Dict) pyValue()   {}
func (*Opaque) pyValue() {}

// NewInt returns n as a Python int.
func NewInt(n int64) Int { return Int{small: n} }

// NewBigInt returns a copy of n as a Python int.
func NewBigInt(n *big.Int) Int { return intOf(new(big.Int).Set(n)) }

// intOf keeps n, if it is too big for an int64.
func intOf(n *big.Int) Int {
	if n.IsInt64() {
		return Int{small: n.Int64()}
	}
	return Int{big: n}
}

// Big returns a copy of i.
func (i Int) Big() *big.Int {
	if i.big == nil {
		return big.NewInt(i.small)
	}
	return new(big.Int).Set(i.big)
}

// Int64 returns i, and whether it fits.
func (i Int) Int64() (int64, bool) { return i.small, i.big == nil }

func (i Int) String() string {
	if i.big == nil {
		return strconv.FormatInt(i.small, 10)
	}
	return i.big.String()
}

// Entry is one key and its value in a [Dict].
type Entry struct{ Key, Value Value }

// Dict is a Python dict: ordered by insertion, keys of any hashable kind (session data has string keys, pickles may hold others).
// The zero Dict is empty and ready. Not safe for concurrent use.
type Dict struct {
	entries []Entry
}

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{} }

// Len returns the number of entries.
func (d *Dict) Len() int { return len(d.entries) }

// Get returns the value under the string key.
func (d *Dict) Get(key string) (Value, bool) {
	if i := d.index(key); i >= 0 {
		return d.entries[i].Value, true
	}
	return nil, false
}

// Set puts value under the string key; a key that is there keeps its place.
func (d *Dict) Set(key string, value Value) {
	if i := d.index(key); i >= 0 {
		d.entries[i].Value = value
		return
	}
	d.entries = append(d.entries, Entry{Str(key), value})
}

// With returns a shallow copy of d in which key holds value.
func (d *Dict) With(key string, value Value) *Dict {
	c := &Dict{entries: slices.Clone(d.entries)}
	c.Set(key, value)
	return c
}

// Delete removes the string key and reports whether it was there.
func (d *Dict) Delete(key string) bool {
	i := d.index(key)
	if i < 0 {
		return false
	}
	d.entries = slices.Delete(d.entries, i, i+1)
	return true
}

// Entries returns the entries in order. The caller must not change the slice.
func (d *Dict) Entries() []Entry { return d.entries }

// Session dicts hold a handful of keys: a scan beats a map.
func (d *Dict) index(key string) int {
	return slices.IndexFunc(d.entries, func(e Entry) bool { k, ok := e.Key.(Str); return ok && string(k) == key })
}

// Of converts a Go value: nil, bool, int, int64, float64, string (UTF-8), []byte, []any, map[string]any (keys sorted), *big.Int, or a Value as it is.
func Of(v any) (Value, error) {
	switch v := v.(type) {
	case nil:
		return None{}, nil
	case Value:
		return v, nil
	case bool:
		return Bool(v), nil
	case int:
		return NewInt(int64(v)), nil
	case int64:
		return NewInt(v), nil
	case *big.Int:
		return NewBigInt(v), nil
	case float64:
		return Float(v), nil
	case string:
		return textOf(v), nil
	case []byte:
		return Bytes(v), nil
	case []any:
		return listOf(v)
	case map[string]any:
		return dictOf(v)
	}
	return nil, fmt.Errorf("a session cannot hold a %T", v)
}

// textOf keeps what a Str can hold, lone surrogates too.
func textOf(s string) Str {
	if validText(s) {
		return Str(s)
	}
	return Str(strings.ToValidUTF8(s, "\uFFFD"))
}

func listOf(items []any) (Value, error) {
	list := &List{Items: make([]Value, len(items))}
	for i, item := range items {
		v, err := Of(item)
		if err != nil {
			return nil, err
		}
		list.Items[i] = v
	}
	return list, nil
}

func dictOf(m map[string]any) (Value, error) {
	d := NewDict()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, err := Of(m[k])
		if err != nil {
			return nil, err
		}
		d.Set(k, v)
	}
	return d, nil
}
