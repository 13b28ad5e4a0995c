package pyvalue

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

type cacheCase struct {
	Name   string
	Engine string
	Value  []byte `json:"value_base64"`
	Repr   string `json:"python_repr"`
}

// cacheCases returns what Django put into its caches, by set, cache client, engine and name.
func cacheCases(t testing.TB) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for set := range vectorSets {
		for _, client := range []string{"redis", "memcached_pylibmc", "memcached_pymemcache", "memcached_python_memcached"} {
			var file struct{ Cases, Prefixed []cacheCase }
			if !vectors(t, set, "cache_"+client+".json", &file) {
				continue
			}
			for i, c := range append(file.Cases, file.Prefixed...) {
				if len(c.Value) > 0 {
					found[fmt.Sprintf("%s/%s/%s/%s#%d", set, client, c.Engine, c.Name, i)] = c.Value
				}
			}
		}
	}
	return found
}

func TestPickleVectors(t *testing.T) {
	for name, value := range cacheCases(t) {
		t.Run(name, func(t *testing.T) { requireRewritten(t, value) })
	}
}

// requireRewritten reads a pickle of protocol 4 or 5 and wants the same bytes written.
func requireRewritten(t *testing.T, value []byte) {
	t.Helper()
	d, err := ReadPickle(value)
	if err != nil {
		t.Fatalf("ReadPickle(%.200q): %v", value, err)
	}
	got, err := AppendPickle([]byte("before"), d, int(value[1]))
	if err != nil {
		t.Fatalf("AppendPickle: %v", err)
	}
	if got = got[len("before"):]; !bytes.Equal(got, value) {
		t.Errorf("rewritten\n got %.600q\nwant %.600q", got, value)
	}
}

func TestReadPickle_memo(t *testing.T) {
	for name, value := range cacheCases(t) {
		if !strings.Contains(name, "memo_shared_reference") {
			continue
		}
		d, err := ReadPickle(value)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := d.Get("a")
		b, _ := d.Get("b")
		if a != b {
			t.Errorf("%s: shared list became two: %v and %v", name, a, b)
		}
	}
}

// TestPicklePeer lets CPython write and read: all protocols are read, 4 and 5 are rewritten to the byte, and what we
// write of all of them is what CPython had.
func TestPicklePeer(t *testing.T) {
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no %s: install python3", python)
		}
		t.Skipf("no %s to compare with", python)
	}
	made, err := exec.Command(python, "testdata/peer.py", "make").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours bytes.Buffer
	for line := range strings.Lines(string(made)) {
		f := strings.Fields(line)
		value, err := base64.StdEncoding.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f[0]+"/"+f[1], func(t *testing.T) { rewriteForPeer(t, &ours, f[0], f[1], value) })
	}
	check := exec.Command(python, "testdata/peer.py", "check")
	check.Stdin = &ours
	verdicts, err := check.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(verdicts)) {
		if !strings.HasSuffix(line, " same\n") {
			t.Errorf("CPython reads ours: %s", line)
		}
	}
}

func rewriteForPeer(t *testing.T, ours *bytes.Buffer, name, protocol string, value []byte) {
	d, err := ReadPickle(value)
	if err != nil {
		t.Fatalf("ReadPickle(%.300q): %v", value, err)
	}
	p, _ := strconv.Atoi(protocol)
	out, err := AppendPickle(nil, d, max(4, p))
	if err != nil {
		t.Fatal(err)
	}
	if p >= 4 && !bytes.Equal(out, value) {
		t.Errorf("rewritten\n got %.600q\nwant %.600q", out, value)
	}
	fmt.Fprintln(ours, name, protocol, base64.StdEncoding.EncodeToString(out))
}

func TestReadPickle_1_5_2_refuses(t *testing.T) {
	deep := "\x80\x04}\x8c\x01k" + strings.Repeat("]", MaxDepth) + strings.Repeat("a", MaxDepth-1) + "s."
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"empty", "", ErrMalformed},
		{"text", "not a pickle", nil},
		{"JSON", `{"a":1}`, nil},
		{"no STOP", "\x80\x04}", ErrMalformed},
		{"nothing on the stack", "\x80\x04.", ErrMalformed},
		{"two values", "\x80\x04}}.", ErrMalformed},
		{"bytes behind STOP", "\x80\x04}.x", ErrMalformed},
		{"open mark", "\x80\x04}(.", ErrMalformed},
		{"protocol 6", "\x80\x06}.", ErrMalformed},
		{"protocol twice", "\x80\x04\x80\x04}.", ErrMalformed},
		{"frame too long", "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}.", ErrMalformed},
		{"list", "\x80\x04].", ErrNotDict},
		{"int", "\x80\x04K\x01.", ErrNotDict},
		{"os.system, protocol 0", "cos\nsystem\n(S'id'\ntR.", ErrForbidden},
		{"os.system, protocol 4", "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", ErrForbidden},
		{"eval", "\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", ErrForbidden},
		{"getattr", "c__builtin__\ngetattr\n.", ErrForbidden},
		{"dotted name", "\x80\x04\x8c\x08datetime\x8c\x0bsys.modules\x93.", ErrForbidden},
		{"name in another case", "\x80\x04\x8c\x08datetime\x8c\x08DateTime\x93.", ErrForbidden},
		{"ZoneInfo", "\x80\x04\x8c\x08zoneinfo\x8c\x12ZoneInfo._unpickle\x93.", ErrForbidden},
		{"INST", "(S'id'\nios\nsystem\n.", ErrForbidden},
		{"OBJ", "(cuuid\nUUID\no.", ErrForbidden},
		{"NEWOBJ_EX", "\x80\x04\x8c\x04uuid\x8c\x04UUID\x93)}\x92.", ErrForbidden},
		{"persistent id", "Pid\n.", ErrForbidden},
		{"extension", "\x80\x02\x82\x01.", ErrForbidden},
		{"out-of-band buffer", "\x80\x05\x97.", ErrForbidden},
		{"bytearray", "\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00x.", ErrForbidden},
		{"class as data", "\x80\x04}\x8c\x01k\x8c\x04uuid\x8c\x04UUID\x93s.", ErrForbidden},
		{"class in a tuple", "\x80\x04}\x8c\x01kcdatetime\ndate\n\x85s.", ErrForbidden},
		{"datetime of text", "\x80\x04}\x8c\x01k\x8c\x08datetime\x8c\x04date\x93\x8c\x04abcd\x85Rs.", ErrForbidden},
		{"datetime too long", "\x80\x04}\x8c\x01k\x8c\x08datetime\x8c\x04date\x93C\x05abcde\x85Rs.", ErrForbidden},
		{"datetime in a zone of text", "\x80\x04}\x8c\x01k\x8c\x08datetime\x8c\x04time\x93C\x06abcdef\x8c\x01x\x86Rs.", ErrForbidden},
		{"Decimal of a tuple", "\x80\x04}\x8c\x01k\x8c\x07decimal\x8c\x07Decimal\x93)\x85Rs.", ErrForbidden},
		{"UUID without state", "\x80\x04}\x8c\x01k\x8c\x04uuid\x8c\x04UUID\x93)\x81s.", ErrForbidden},
		{"UUID with another state", "\x80\x04}\x8c\x01k\x8c\x04uuid\x8c\x04UUID\x93)\x81}\x8c\x01xK\x01sbs.", ErrForbidden},
		{"object of object", "\x80\x02}U\x01kc__builtin__\nobject\n)Rs.", ErrForbidden},
		{"reconstructor of another class", "\x80\x02}U\x01kccopy_reg\n_reconstructor\ncdatetime\ndate\nc__builtin__\nobject\nN\x87Rs.", ErrForbidden},
		{"encode to another encoding", "\x80\x02}U\x01kc_codecs\nencode\nU\x01aU\x05rot13\x86Rs.", ErrForbidden},
		{"call of a dict", "\x80\x04})R.", ErrMalformed},
		{"state of a dict", "\x80\x04}}b.", ErrMalformed},
		{"key twice", "\x80\x04}(\x8c\x01aK\x01\x8c\x01aK\x02u.", ErrMalformed},
		{"key twice, nested", "\x80\x04}\x8c\x01k}(\x8c\x01aK\x01\x8c\x01aK\x02us.", ErrMalformed},
		{"key without value", "\x80\x04}(\x8c\x01au.", ErrMalformed},
		{"list as key", "\x80\x04}]K\x01s.", ErrKind},
		{"set in a set", "\x80\x04}\x8c\x01k\x8f(\x8f\x90s.", ErrKind},
		{"append to a dict", "\x80\x04}K\x01a.", ErrMalformed},
		{"append to nothing", "\x80\x04K\x01a.", ErrMalformed},
		{"take from below a mark", "\x80\x04}\x8c\x01k(K\x01s.", ErrMalformed},
		{"tuple from below a mark", "\x80\x04}K\x01(K\x01\x86.", ErrMalformed},
		{"remember from below a mark", "\x80\x04}(\x94.", ErrMalformed},
		{"no mark", "\x80\x04}u.", ErrMalformed},
		{"unknown memo entry", "\x80\x04h\x00.", ErrMalformed},
		{"memo bomb", "\x80\x04}r\xff\xff\xff\x7f.", ErrLimit},
		{"memo bomb in text", "}p4294967295\n.", ErrLimit},
		{"memo index beyond all", "}p99999999999999999999\n.", ErrMalformed},
		{"length beyond the end", "\x80\x04X\xff\xff\xff\x7fabc.", ErrMalformed},
		{"length beyond all", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", ErrMalformed},
		{"text that is not UTF-8", "\x80\x04}\x8c\x01\xff K\x01s.", ErrMalformed},
		{"old text that is not ASCII", "}U\x01\xe9K\x01s.", ErrMalformed},
		{"bad number", "}I1x\n.", ErrMalformed},
		{"bad float", "}F0x1p4\n.", ErrMalformed},
		{"bad escape", "}V\\u12\n.", ErrMalformed},
		{"escape beyond Unicode", "}V\\U00110000\n.", ErrMalformed},
		{"too deep", deep, ErrLimit},
		{"cycle", "\x80\x04}\x94\x8c\x01kh\x00s.", ErrLimit},
		{"cycle of a list", "\x80\x04}\x8c\x01k]\x94h\x00as.", ErrLimit},
		{"laughs", billionLaughs(), ErrLimit},
		{"values bomb", "\x80\x04}\x8c\x01k](" + strings.Repeat("N", MaxSize-20) + "es.", ErrLimit},
		{"marks bomb", strings.Repeat("(", MaxSize), ErrLimit},
		{"set copies", "c__builtin__\nset\nq\x00](" + strings.Repeat("N", 20000) + "eq\x01" + strings.Repeat("h\x00h\x01\x85R", 200000), ErrLimit},
		{"encode copies", "c_codecs\nencode\nq\x00X\x00\x00\x08\x00" + strings.Repeat("é", 1<<18) + "U\x06latin1\x86q\x01R" + strings.Repeat("h\x00h\x01R", 20000), ErrForbidden},
		{"float bomb", "}](" + strings.Repeat("F8.442911973260991e-309\n", 9000) + "es.", ErrLimit},
		{"integer bomb", "\x80\x02}\x8b\x00\x00\x08\x00" + strings.Repeat("\x7f", 1<<19) + ".", ErrLimit},
		{"integer bomb in text", "}L" + strings.Repeat("9", 1<<19) + "L\n.", ErrLimit},
		{"too large", "\x80\x04}X\x00\x00\x10\x00" + strings.Repeat("a", MaxSize) + ".", ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := []byte(c.in)
			requireFrugal(t, func() {
				d, err := ReadPickle(src)
				if d != nil || err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("ReadPickle(%.100q) = %v, %v; want %v", c.in, d, err, c.want)
				}
			})
		})
	}
}

// billionLaughs is 30 lists, each holding the one before twice.
func billionLaughs() string {
	out := "\x80\x04}(K\x00]q\x00"
	for i := byte(1); i < 30; i++ {
		out += string([]byte{opBinInt1, i, opEmptyList, opBinPut, i, opMark, opBinGet, i - 1, opBinGet, i - 1, opAppends})
	}
	return out + "u."
}

func TestReadPickle_F21_allocations(t *testing.T) {
	const n = MaxValues - 10
	for name, in := range map[string]string{
		"dicts":     "\x80\x04}\x8c\x01k](" + strings.Repeat("}", n) + "es.",
		"texts":     "\x80\x04}\x8c\x01k](" + strings.Repeat("\x8c\x01a", n) + "es.",
		"memo":      "\x80\x04}\x8c\x01k](" + strings.Repeat("]\x94", n) + "es.",
		"appends":   "\x80\x04}\x8c\x01k]" + strings.Repeat("Na", n) + "s.",
		"long text": "\x80\x04}\x8c\x01kX\x00\xf0\x0f\x00" + strings.Repeat("a", 0xff000) + "s.",
		"numbers":   "\x80\x04}\x8c\x01k](" + strings.Repeat("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", n/2) + "es.",
		"cut off":   "\x80\x04}\x8c\x01k](" + strings.Repeat("]\x94", n),
	} {
		t.Run(name, func(t *testing.T) {
			src := []byte(in)
			requireFrugal(t, func() {
				if _, err := ReadPickle(src); (err == nil) == (name == "cut off") {
					t.Errorf("ReadPickle: %v", err)
				}
			})
		})
	}
}

// TestPickle_limits: what may just be written may be read back.
func TestPickle_limits(t *testing.T) {
	deep := Value(Str("a"))
	for range MaxDepth - 1 {
		deep = &List{Items: []Value{deep}}
	}
	stamps := &List{}
	for i := range (MaxValues - 10) / 6 {
		day := Bytes([]byte{7, 228, byte(i >> 8), byte(i)})
		stamps.Items = append(stamps.Items, &Opaque{Module: "datetime", Name: "date", Args: Tuple{day}})
	}
	fours := &List{}
	for i := range (MaxValues - 10) / 5 {
		fours.Items = append(fours.Items, Tuple{NewInt(int64(i)), None{}, None{}, None{}})
	}
	for name, v := range map[string]Value{"depth": deep, "opaque": stamps, "tuples": fours, "digits": mustParse(t, strings.Repeat("9", MaxIntDigits))} {
		d := NewDict()
		d.Set("k", v)
		out, err := AppendPickle(nil, d, 5)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := ReadPickle(out); err != nil || !again.Equal(d) {
			t.Errorf("%s: read back: %v", name, err)
		}
	}
}

func mustParse(t *testing.T, digits string) Value {
	t.Helper()
	left := MaxValues
	v, err := parseInt(digits, &left)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAppendPickle_refuses(t *testing.T) {
	cycle := &List{}
	cycle.Items = []Value{cycle}
	for _, c := range []struct {
		name  string
		value Value
		want  error
	}{
		{"os.system", &Opaque{Module: "os", Name: "system", Args: Tuple{Str("id")}}, ErrForbidden},
		{"date of text", &Opaque{Module: "datetime", Name: "date", Args: Tuple{Str("2020")}}, ErrForbidden},
		{"state of a date", &Opaque{Module: "datetime", Name: "date", Args: Tuple{Bytes("abcd")}, State: NewDict()}, ErrForbidden},
		{"cycle", cycle, ErrLimit},
		{"not UTF-8", Str("\xff"), ErrKind},
		{"nothing", nil, ErrKind},
		{"list in a set", &Set{Items: []Value{&List{}}}, ErrKind},
		{"too large", Str(strings.Repeat("a", MaxSize)), ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDict()
			d.Set("k", c.value)
			if out, err := AppendPickle(nil, d, 5); !errors.Is(err, c.want) || out != nil {
				t.Errorf("AppendPickle = %.60q, %v; want %v", out, err, c.want)
			}
		})
	}
	if _, err := AppendPickle(nil, NewDict(), 3); err == nil {
		t.Error("protocol 3 is written")
	}
}

func FuzzPickle(f *testing.F) {
	for _, value := range cacheCases(f) {
		if len(value) < 1000 {
			f.Add(value)
		}
	}
	f.Add([]byte("}(V\\u00e9\nI01\nVb\nL12L\nVc\nF1.5\nVd\n(lp1\nVe\n(g1\ntu."))
	f.Add([]byte("\x80\x02}(U\x01ac_codecs\nencode\nX\x02\x00\x00\x00\xc3\xa9U\x06latin1\x86RU\x01bc__builtin__\nset\n](K\x01e\x85Ru."))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := ReadPickle(src)
		if err != nil {
			return
		}
		out, err := AppendPickle(nil, d, 5)
		if errors.Is(err, errTooLarge) {
			return
		}
		if err != nil {
			t.Fatalf("ReadPickle accepted %q but AppendPickle says %v", src, err)
		}
		again, err := ReadPickle(out)
		if err != nil || !again.Equal(d) {
			t.Fatalf("%q was written as %q, read back: %v", src, out, err)
		}
		if twice, err := AppendPickle(nil, again, 5); err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("%q was written as %q, then as %q, %v", src, out, twice, err)
		}
	})
}

func BenchmarkPickle(b *testing.B) {
	value := cacheCases(b)["5.2/redis/cache/auth#2"]
	d, err := ReadPickle(value)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadPickle(value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := AppendPickle(nil, d, 5); err != nil {
				b.Fatal(err)
			}
		}
	})
}
