package pyvalue

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// vectorSets are the Django versions that made testdata/vectors.
var vectorSets = map[string]string{"5.2": ".", "3.2": "django-3.2", "6.1": "django-6.1"}

// vectors reads one file of one set into out. It is false where the set lacks the file.
func vectors(t testing.TB, set, name string, out any) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/vectors", vectorSets[set], name))
	if os.IsNotExist(err) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return true
}

// sessionJSON returns the texts that Django wrote, by name.
func sessionJSON(t testing.TB, set string) map[string]string {
	t.Helper()
	var file struct {
		Encode []struct{ Name, JSON string }
	}
	if !vectors(t, set, "session_encoding.json", &file) {
		t.Fatal("no session_encoding.json")
	}
	texts := map[string]string{}
	for _, c := range file.Encode {
		texts[c.Name] = c.JSON
	}
	return texts
}

func TestJSONVectors(t *testing.T) {
	for set := range vectorSets {
		for name, text := range sessionJSON(t, set) {
			t.Run(set+"/"+name, func(t *testing.T) {
				d, err := ParseJSON([]byte(text))
				if err != nil {
					t.Fatalf("ParseJSON(%.200q): %v", text, err)
				}
				if got, err := AppendJSON(nil, d); err != nil || string(got) != text {
					t.Errorf("AppendJSON after ParseJSON\n got %.300q, %v\nwant %.300q", got, err, text)
				}
			})
		}
	}
}

func TestParseJSON(t *testing.T) {
	// want is what is written back: the same as Python's json.dumps(json.loads(in.decode("latin-1")), separators=(",", ":")).
	for _, c := range []struct{ name, in, want string }{
		{"blanks", " \t\r\n{ \"a\" :\t[ 1 , 2 ] } \n", `{"a":[1,2]}`},
		{"raw UTF-8 is Latin-1", `{"a":"é"}`, `{"a":"\u00c3\u00a9"}`},
		{"raw Latin-1 key", "{\"\xe9\":1}", `{"\u00e9":1}`},
		{"duplicate keys", `{"a":1,"b":2,"a":3,"b":4,"c":5}`, `{"a":3,"b":4,"c":5}`},
		{"duplicate by escape", `{"a":1,"\u0061":2}`, `{"a":2}`},
		{"minus zero", `{"i":-0,"f":-0.0}`, `{"i":0,"f":-0.0}`},
		{"float out of range", `{"a":1e999,"b":-1e999,"c":1e-999}`, `{"a":Infinity,"b":-Infinity,"c":0.0}`},
		{"float forms", `{"a":1E5,"b":1e+2,"c":0.00001,"d":123456789012345678.0,"e":0.0001,"f":9999999999999998.0}`,
			`{"a":100000.0,"b":100.0,"c":1e-05,"d":1.2345678901234568e+17,"e":0.0001,"f":9999999999999998.0}`},
		{"surrogates", `{"a":"\ud83d\udd12\uD83D","b":"\udd12\ud83d","c":"\ud83dx","d":"\ud83d\u0041"}`,
			`{"a":"\ud83d\udd12\ud83d","b":"\udd12\ud83d","c":"\ud83dx","d":"\ud83dA"}`},
		{"two high ones, one low", `{"a":"\ud83d\ud83d\udd12"}`, `{"a":"\ud83d\ud83d\udd12"}`},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9"}`, `{"a":"\"\\/\b\f\n\r\t\u00e9"}`},
		{"DEL", "{\"a\":\"\x7f\"}", `{"a":"\u007f"}`},
		{"words", `{"a":[null,true,false,NaN,Infinity,-Infinity]}`, `{"a":[null,true,false,NaN,Infinity,-Infinity]}`},
		{"longest integer", `{"a":` + strings.Repeat("9", MaxIntDigits) + `}`, `{"a":` + strings.Repeat("9", MaxIntDigits) + `}`},
		{"deepest nesting", nested(MaxDepth-1, `"a"`), nested(MaxDepth-1, `"a"`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := ParseJSON([]byte(c.in))
			if err != nil {
				t.Fatalf("ParseJSON(%.100q): %v", c.in, err)
			}
			if got, err := AppendJSON(nil, d); err != nil || string(got) != c.want {
				t.Errorf("ParseJSON(%.100q) is written as\n got %.200q, %v\nwant %.200q", c.in, got, err, c.want)
			}
		})
	}
}

// nested is {"k":[[…inner…]]} with n lists.
func nested(n int, inner string) string {
	return `{"k":` + strings.Repeat("[", n) + inner + strings.Repeat("]", n) + `}`
}

func TestParseJSON_F21_refuses(t *testing.T) {
	many := `{"a":[` + strings.Repeat("0,", MaxValues) + `0]}`
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"empty", ``, ErrMalformed},
		{"cut off", `{"a":`, ErrMalformed},
		{"cut off in text", `{"a":"b`, ErrMalformed},
		{"cut off in escape", `{"a":"\u12`, ErrMalformed},
		{"cut off behind backslash", `{"a":"\`, ErrMalformed},
		{"trailing garbage", `{"a":1}x`, ErrMalformed},
		{"trailing comma", `{"a":1,}`, ErrMalformed},
		{"comma first", `{,"a":1}`, ErrMalformed},
		{"byte order mark", "\xef\xbb\xbf{}", ErrMalformed},
		{"raw control character", "{\"a\":\"\n\"}", ErrMalformed},
		{"NUL", "{\"a\":\"\x00\"}", ErrMalformed},
		{"NUL instead of a value", "{\"a\":\x00}", ErrMalformed},
		{"non-breaking space", "{\xa0}", ErrMalformed},
		{"single quotes", `{'a':1}`, ErrMalformed},
		{"bare key", `{a:1}`, ErrMalformed},
		{"number as key", `{1:1}`, ErrMalformed},
		{"leading zero", `{"a":01}`, ErrMalformed},
		{"plus", `{"a":+1}`, ErrMalformed},
		{"point without digits", `{"a":1.}`, ErrMalformed},
		{"exponent without digits", `{"a":1e}`, ErrMalformed},
		{"minus alone", `{"a":-}`, ErrMalformed},
		{"hexadecimal", `{"a":0x1}`, ErrMalformed},
		{"bad escape", `{"a":"\x41"}`, ErrMalformed},
		{"bad unicode escape", `{"a":"\u12g4"}`, ErrMalformed},
		{"sign in unicode escape", `{"a":"\u+123"}`, ErrMalformed},
		{"list", `[1]`, ErrNotDict},
		{"null", `null`, ErrNotDict},
		{"string", `"a"`, ErrNotDict},
		{"number", `1`, ErrNotDict},
		{"too deep", nested(MaxDepth, ""), ErrLimit},
		{"nesting bomb", strings.Repeat(`{"a":`, 100000), ErrLimit},
		{"list bomb", strings.Repeat("[", MaxSize), ErrLimit},
		{"too many values", many, ErrLimit},
		{"too large", `{"a":"` + strings.Repeat("a", MaxSize) + `"}`, ErrLimit},
		{"long float bomb", `{"a":[` + strings.Repeat("9007199254740993.000001,", 9000) + `0]}`, ErrLimit},
		{"integers bomb", `{"a":[` + strings.Repeat(strings.Repeat("9", 4300)+",", 200) + `0]}`, ErrLimit},
		{"float bomb", `{"a":[` + strings.Repeat("8.442911973260991e-309,", 9000) + `0]}`, ErrLimit},
		{"integer bomb", `{"a":` + strings.Repeat("9", MaxIntDigits+1) + `}`, ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d, err := ParseJSON([]byte(c.in)); !errors.Is(err, c.want) || d != nil {
				t.Errorf("ParseJSON(%.60q) = %v, %v; want %v", c.in, d, err, c.want)
			}
		})
	}
}

func TestAppendJSON_keys(t *testing.T) {
	d := &Dict{entries: []Entry{
		{NewInt(1), Str("int")}, {Float(2.5), Str("float")}, {Float(1), Str("float")}, {Bool(true), Str("bool")}, {None{}, Str("none")},
		{Float(math.NaN()), Tuple{NewInt(1), Tuple{}}},
	}}
	const want = `{"1":"int","2.5":"float","1.0":"float","true":"bool","null":"none","NaN":[1,[]]}`
	if got, err := AppendJSON(nil, d); err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestAppendJSON_refuses(t *testing.T) {
	cycle := &List{}
	cycle.Items = []Value{cycle}
	laughs := Value(&List{Items: []Value{Str("ha")}})
	for range 20 {
		laughs = &List{Items: []Value{laughs, laughs}}
	}
	shout := &List{Items: []Value{Str(strings.Repeat("a", MaxSize/2))}}
	uuid := &Opaque{Module: "uuid", Name: "UUID", State: &Dict{entries: []Entry{{Str("int"), NewInt(5)}}}}
	for _, c := range []struct {
		name  string
		value Value
		want  error
		text  string // in the message
	}{
		{"bytes", Bytes("x"), ErrKind, "bytes"},
		{"set", &Set{}, ErrKind, "set"},
		{"frozenset", &Set{Frozen: true}, ErrKind, "frozenset"},
		{"opaque", uuid, ErrKind, "uuid.UUID"},
		{"opaque nobody knows", &Opaque{Module: "os", Name: "system", Args: Tuple{Str("id")}}, ErrForbidden, "os.system"},
		{"nothing", nil, ErrKind, "nil"},
		{"not UTF-8", Str("\xff"), ErrKind, "UTF-8"},
		{"tuple key", &Dict{entries: []Entry{{Tuple{}, None{}}}}, ErrKind, "tuple"},
		{"list key", &Dict{entries: []Entry{{&List{}, None{}}}}, ErrKind, "list"},
		{"cycle", cycle, ErrLimit, "deeper"},
		{"laughs", laughs, ErrLimit, "more than"},
		{"shared text", Tuple{shout, shout, shout}, ErrLimit, "larger"},
		{"long integer", NewBigInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(MaxIntDigits), nil)), ErrLimit, "digits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDict()
			d.Set("k", c.value)
			got, err := AppendJSON([]byte("before"), d)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || string(got) != "before" {
				t.Errorf("AppendJSON = %.60q, %v; want %v with %q", got, err, c.want, c.text)
			}
		})
	}
}

// TestParseJSON_F21_duplicates: many keys cost no quadratic time, and the order is Python's.
func TestParseJSON_F21_duplicates(t *testing.T) {
	var in strings.Builder
	for range 2 {
		for i := range 5000 {
			in.WriteString(`,"` + big.NewInt(int64(i)).String() + `":"` + strings.Repeat("x", in.Len()&1) + `"`)
		}
	}
	d, err := ParseJSON([]byte("{" + in.String()[1:] + "}"))
	if err != nil || d.Len() != 5000 {
		t.Fatalf("got %d entries, %v; want 5000", d.Len(), err)
	}
	for i, e := range d.Entries() {
		if e.Key != Str(big.NewInt(int64(i)).String()) {
			t.Fatalf("entry %d has key %v", i, e.Key)
		}
	}
}

func TestParseJSON_F21_allocations(t *testing.T) {
	for name, text := range map[string]string{
		"empty lists": `{"a":[` + strings.Repeat("[],", MaxValues-10) + `0]}`,
		"short texts": `{"a":[` + strings.Repeat(`"\u00e9",`, MaxValues-10) + `0]}`,
		"keys":        `{` + strings.Repeat(`"a":0,`, MaxValues/2-10) + `"b":0}`,
		"long text":   `{"a":"` + strings.Repeat("a", MaxSize-10) + `"}`,
		"escapes":     `{"a":"` + strings.Repeat(`\n`, MaxSize/2-10) + `"}`,
		"integers":    `{"a":[` + strings.Repeat(strings.Repeat("9", 4300)+",", 110) + `0]}`,
	} {
		t.Run(name, func(t *testing.T) {
			src := []byte(text)
			requireFrugal(t, func() {
				if _, err := ParseJSON(src); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// requireFrugal fails if f allocates more than 4 MiB in all, what SECURITY F21 allows for one record.
func requireFrugal(t *testing.T, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes allocated, want at most 4 MiB", got)
	}
}

func FuzzJSON(f *testing.F) {
	for set := range vectorSets {
		for _, text := range sessionJSON(f, set) {
			if len(text) < 1000 {
				f.Add([]byte(text))
			}
		}
	}
	f.Add([]byte(`{"a":1,"a":[NaN,-Infinity,1e999,-0.0,"\ud83d\ud83d\udd12é"]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := ParseJSON(src)
		if err != nil {
			return
		}
		text, err := AppendJSON(nil, d)
		if errors.Is(err, errTooLarge) { // escapes are longer than what they stand for
			return
		}
		if err != nil {
			t.Fatalf("ParseJSON accepted %q but AppendJSON says %v", src, err)
		}
		again, err := ParseJSON(text)
		if err != nil {
			t.Fatalf("%q was written as %q, which is refused: %v", src, text, err)
		}
		if twice, err := AppendJSON(nil, again); err != nil || string(twice) != string(text) {
			t.Fatalf("%q was written as %q, then as %q, %v", src, text, twice, err)
		}
	})
}
