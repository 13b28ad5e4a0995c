package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

const (
	keyA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	keyB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	keyC = "cccccccccccccccccccccccccccccccc"
)

// hostile keys are no keys of any store.
var hostile = map[string]string{
	"empty": "", "dots": "../../../etc/passwd", "NUL": "abcdefgh\x00", "10 kB": strings.Repeat("a", 10000), "48, 56 1240 characters": strings.Repeat("1", 1240),
	"upper case": strings.ToUpper(keyA), "newline": keyA + "\n", "blank": "abcd efgh", "quote": "abcdefg' OR '1'='1", "not UTF-8": "abcdefg\xff",
	"53 backslash": `a\b\c\d\e`, "54 slash": "a/b/c/d/e", "percent": "%00%00%00%00", "wildcard": "aaaaaaa%", "colons": "e30:1r31eq:xxx", "colon": ":1:abcdefgh",
}

func (h Harness) records(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"an unknown key": func(d *desk) { d.refuses(keyA) },
		"hostile keys 1.3.9": func(d *desk) {
			for name, key := range hostile {
				d.Run(name, func(t *testing.T) { d.with(t).refuses(key) })
			}
		},
		"create on a taken key":              (*desk).createTaken,
		"update after delete":                (*desk).updateGone,
		"update with the same content":       (*desk).updateSame,
		"another process sees it":            (*desk).otherProcess,
		"clearing":                           (*desk).clearing,
		"43 the bounds of expiry":            (*desk).bounds,
		"records are separate from the data": (*desk).separate,
		"keys":                               (*desk).lists,
	})
}

func (d *desk) with(t *testing.T) *desk {
	c := *d
	c.T = t
	return &c
}

// refuses checks that nothing is under key, for every verb.
func (d *desk) refuses(key string) {
	d.Helper()
	if _, err := d.store.Load(d.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
		d.Errorf("load %.60q = %v, want ErrNotFound", key, err)
	}
	if _, err := d.store.Update(d.Context(), key, d.record("x", 1)); !errors.Is(err, sessionstore.ErrGone) {
		d.Errorf("update %.60q = %v, want ErrGone", key, err)
	}
	if err := d.store.Delete(d.Context(), key); err != nil {
		d.Errorf("delete %.60q = %v, want none", key, err)
	}
	if _, err := d.store.Load(d.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
		d.Errorf("load %.60q afterwards = %v, want ErrNotFound", key, err)
	}
}

// holds checks the data under key.
func (d *desk) holds(key string, want sessionstore.Record) {
	d.Helper()
	got, err := d.store.Load(d.Context(), key)
	if err != nil {
		d.Fatalf("load %q: %v", key, err)
	}
	if !got.Data.Equal(want.Data) {
		d.Errorf("under %q is %v, want %v", key, got.Data.Entries(), want.Data.Entries())
	}
	switch {
	case d.traits.NoExpiry:
		if !got.Expires.IsZero() {
			d.Errorf("expires %s, want none", got.Expires)
		}
	case !d.traits.DatesByData && !d.traits.KeyIsData && !got.Expires.Equal(want.Expires):
		d.Errorf("expires %s, want %s", got.Expires, want.Expires)
	}
}

func (d *desk) createTaken() {
	if d.traits.KeyIsData {
		return
	}
	first := d.record("first", true)
	d.create(keyA, first)
	if _, err := d.store.Create(d.Context(), keyA, d.record("second", true)); !errors.Is(err, sessionstore.ErrExists) {
		d.Errorf("create = %v, want ErrExists", err)
	}
	d.holds(keyA, first)
}

func (d *desk) updateGone() {
	key := d.create(keyA, d.record("x", 1))
	if err := d.store.Delete(d.Context(), key); err != nil {
		d.Fatal(err)
	}
	d.refuses(key)
}

// updateSame: MySQL counts changed rows unless told otherwise.
func (d *desk) updateSame() {
	rec := d.record("x", 1)
	key := d.create(keyA, rec)
	for range 3 {
		var err error
		if key, err = d.store.Update(d.Context(), key, rec); err != nil {
			d.Fatalf("update: %v", err)
		}
		d.holds(key, rec)
	}
}

func (d *desk) otherProcess() {
	other := *d
	other.store = d.Open()
	rec := d.record("x", 1)
	key := d.create(keyA, rec)
	other.holds(key, rec)
	rec = d.record("x", 2)
	key, err := other.store.Update(d.Context(), key, rec)
	if err != nil {
		d.Fatal(err)
	}
	d.Settle()
	d.holds(key, rec)
	if err := other.store.Delete(d.Context(), key); err != nil {
		d.Fatal(err)
	}
	d.Settle()
	d.refuses(key)
}

// clearing removes exactly what has expired.
func (d *desk) clearing() {
	short, long := d.record("x", "short"), d.record("x", "long")
	d.expireAfter(&short, time.Second)
	d.create(keyA, short)
	b := d.create(keyB, long)
	d.create(keyC, short)
	d.clock.advance(2 * time.Second)
	if !d.traits.KeyIsData {
		d.until(func() bool { return !d.exists(keyA) && !d.exists(keyC) })
	}
	want := int64(2)
	if d.traits.KeyIsData || d.traits.ClearsItself {
		want = 0
	}
	for _, want := range []int64{want, 0} {
		if n, err := d.store.ClearExpired(d.Context()); err != nil || n != want {
			d.Errorf("cleared %d, %v; want %d", n, err, want)
		}
	}
	d.holds(b, long)
}

// expireAfter makes rec end in d, by its date and by its data.
func (d *desk) expireAfter(rec *sessionstore.Record, after time.Duration) {
	rec.Expires = d.clock.now().Add(after)
	rec.Data.Set("_session_expiry", pyvalue.NewInt(int64(after/time.Second)))
}

// bounds: a record lives while its date is later than now, and is cleared when it is earlier (vectors db_boundary).
func (d *desk) bounds() {
	if d.traits.KeyIsData || d.traits.ServerClock || d.traits.DatesByData {
		return
	}
	for i, test := range []struct {
		offset         time.Duration
		loads, remains bool
	}{{-time.Second, false, false}, {-time.Microsecond, false, false}, {0, false, true}, {time.Microsecond, true, true}, {time.Second, true, true}} {
		key := strings.Repeat(string(rune('a'+i)), 32)
		rec := d.record("x", 1)
		rec.Expires = d.clock.now().Add(test.offset)
		d.create(key, rec)
		if got := d.exists(key); got != test.loads {
			d.Errorf("%s from now: loads %v, want %v", test.offset, got, test.loads)
		}
		n, err := d.store.ClearExpired(d.Context())
		if err != nil || (n == 0) != test.remains {
			d.Errorf("%s from now: cleared %d, %v; want it to stay: %v", test.offset, n, err, test.remains)
		}
	}
}

// separate: what was saved is not what the caller holds, and what is loaded twice is two things.
func (d *desk) separate() {
	list := &pyvalue.List{Items: []pyvalue.Value{pyvalue.NewInt(1)}}
	rec, want := d.record("list", list), d.record("list", []any{1})
	key := d.create(keyA, rec)
	list.Items[0] = pyvalue.Str("changed")
	rec.Data.Set("added", pyvalue.None{})
	d.holds(key, want)
	loaded, err := d.store.Load(d.Context(), key)
	if err != nil {
		d.Fatal(err)
	}
	v, _ := loaded.Data.Get("list")
	v.(*pyvalue.List).Items[0] = pyvalue.Str("changed")
	loaded.Data.Delete("list")
	d.holds(key, want)
}

func (d *desk) lists() {
	lister, ok := d.store.(sessionstore.Lister)
	if !ok {
		return
	}
	for _, key := range []string{keyB, keyA, keyC} {
		d.create(key, d.record("x", 1))
	}
	var keys []string
	if err := lister.Keys(d.Context(), func(key string) bool { keys = append(keys, key); return true }); err != nil {
		d.Fatal(err)
	}
	slices.Sort(keys)
	if want := []string{keyA, keyB, keyC}; !slices.Equal(keys, want) {
		d.Errorf("keys %q, want %q", keys, want)
	}
	calls := 0
	if err := lister.Keys(d.Context(), func(string) bool { calls++; return false }); err != nil || calls != 1 {
		d.Errorf("%d calls after a false, %v; want 1", calls, err)
	}
}
