package storetest

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"coatcheck/internal/pyvalue"
)

// jsonValues are values that every store keeps. Containers are made anew for each test.
func jsonValues() []pyvalue.Entry {
	big80 := new(big.Int).Lsh(big.NewInt(1), 80)
	nested := pyvalue.NewDict()
	nested.Set("z", &pyvalue.List{Items: []pyvalue.Value{pyvalue.NewInt(1), pyvalue.Float(1), pyvalue.None{}, &pyvalue.List{}}})
	nested.Set("a", pyvalue.NewDict())
	values := []any{
		nil, true, false, 0, 1, -1, math.MaxInt64, math.MinInt64, big80, new(big.Int).Neg(big80),
		0.0, 1.0, -1.5, 0.1, 1e16, 1e-7, 5e-324, math.MaxFloat64, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1),
		"", "text", "Jürgen", "🍪", "\x00\x01\x1f\x7f", "\"\\/<>&'", "\u2028", "line\r\nfeed\t", " ", strings.Repeat("long ", 10000),
		pyvalue.Str("\xed\xa0\x80"), // a lone surrogate
		[]any{}, []any{1, "two", 3.0, nil}, nested,
	}
	entries := make([]pyvalue.Entry, len(values))
	for i, v := range values {
		value, err := pyvalue.Of(v)
		if err != nil {
			panic(err) // the list above is wrong
		}
		entries[i] = pyvalue.Entry{Key: pyvalue.Str(fmt.Sprintf("%02d", len(values)-i)), Value: value}
	}
	return append(entries, pyvalue.Entry{Key: pyvalue.Str(""), Value: pyvalue.Str("empty name")}, pyvalue.Entry{Key: pyvalue.Str("ключ 🍪"), Value: pyvalue.Bool(true)})
}

// pickledValues are values that only a pickle keeps.
func pickledValues() []pyvalue.Entry {
	utc := &pyvalue.Opaque{Module: "datetime", Name: "timezone", Args: pyvalue.Tuple{&pyvalue.Opaque{Module: "datetime", Name: "timedelta",
		Args: pyvalue.Tuple{pyvalue.NewInt(0), pyvalue.NewInt(0), pyvalue.NewInt(0)}}}}
	date := &pyvalue.Opaque{Module: "datetime", Name: "datetime", Args: pyvalue.Tuple{pyvalue.Bytes("\x07\xea\x03\x01\x0d\x00\x00\x00\x00\x00"), utc}}
	return []pyvalue.Entry{
		{Key: pyvalue.Str("bytes"), Value: pyvalue.Bytes("\x00\xff")},
		{Key: pyvalue.Str("tuple"), Value: pyvalue.Tuple{pyvalue.NewInt(1), pyvalue.Str("a")}},
		{Key: pyvalue.Str("set"), Value: &pyvalue.Set{Items: []pyvalue.Value{pyvalue.NewInt(1)}}},
		{Key: pyvalue.Str("frozen"), Value: &pyvalue.Set{Items: []pyvalue.Value{pyvalue.Str("x")}, Frozen: true}},
		{Key: pyvalue.Str("date"), Value: date},
	}
}

// values: what was read is written back unchanged and in its order, or the write is refused.
func (h Harness) values(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"37 every kind of value comes back":              (*desk).roundTrip,
		"values that were not touched survive a rewrite": (*desk).rewrite,
		"what cannot be kept is refused":                 (*desk).refusesValue,
	})
}

func (d *desk) allValues() []pyvalue.Entry {
	if d.traits.Pickles {
		return append(jsonValues(), pickledValues()...)
	}
	return jsonValues()
}

func (d *desk) roundTrip() {
	for i, entry := range d.allValues() {
		rec := d.record(string(entry.Key.(pyvalue.Str)), entry.Value)
		if d.traits.KeyIsData && len(fmt.Sprint(entry.Value)) > 3000 {
			continue // more than a cookie holds
		}
		key := d.create(fmt.Sprintf("%032d", i), rec)
		d.holds(key, rec)
		if err := d.store.Delete(d.Context(), key); err != nil {
			d.Fatal(err)
		}
	}
}

func (d *desk) rewrite() {
	rec := d.record()
	for _, entry := range d.allValues() {
		if !d.traits.KeyIsData || len(fmt.Sprint(entry.Value)) < 100 {
			rec.Data.Set(string(entry.Key.(pyvalue.Str)), entry.Value)
		}
	}
	s := d.open(d.create(keyA, rec))
	d.set(s, "01", "changed")
	d.set(s, "last", 1)
	d.save(s)
	rec.Data.Set("01", pyvalue.Str("changed"))
	rec.Data.Set("last", pyvalue.NewInt(1))
	rec.Expires = s.Ends()
	d.holds(s.Key(), rec)
}

func (d *desk) refusesValue() {
	if d.traits.Pickles {
		return
	}
	before := d.record("x", 1)
	key := d.create(keyA, before)
	for _, entry := range pickledValues() {
		if _, isTuple := entry.Value.(pyvalue.Tuple); isTuple {
			continue // Python's JSON makes a list of it
		}
		if _, err := d.store.Update(d.Context(), key, d.record("x", entry.Value)); err == nil || answered(err) {
			d.Errorf("update with %T = %v, want a refusal", entry.Value, err)
		}
		if _, err := d.store.Create(d.Context(), keyB, d.record("x", entry.Value)); err == nil || answered(err) {
			d.Errorf("create with %T = %v, want a refusal", entry.Value, err)
		}
	}
	d.holds(key, before)
	if !d.traits.KeyIsData {
		d.refuses(keyB)
	}
}
