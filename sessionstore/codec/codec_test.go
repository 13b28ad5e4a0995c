package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
)

const fallbackKey = "older-secret-key-9876543210"

// vectorFile is session_encoding.json.
type vectorFile struct {
	SecretKey string `json:"secret_key"`
	Salt      string
	Time      int64
	Encode    []struct {
		Name, JSON, Encoded string
		Compressed          bool
		JSONLen             int `json:"json_len"`
		ZlibLen             int `json:"zlib_len"`
	}
	Decode []struct {
		Name, Encoded       string
		DecodedJSON         *string `json:"decoded_json"`
		DecodedJSONFallback *string `json:"decoded_json_with_fallbacks"`
	}
}

var vectorSets = map[string]string{"5.2": ".", "3.2": "django-3.2", "6.1": "django-6.1"}

func readVectors(t testing.TB, set, name string, out any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/vectors", vectorSets[set], name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
}

func (f *vectorFile) codec(legacy bool, fallbacks ...string) *Signed {
	return NewSignedWith(SignedOptions{
		Keys:   signing.Keys{Secret: f.SecretKey, Fallbacks: fallbacks},
		Now:    func() time.Time { return time.Unix(f.Time, 0) },
		Salt:   f.Salt,
		Legacy: legacy,
	})
}

func TestEncodeVectors(t *testing.T) {
	for set := range vectorSets {
		var file vectorFile
		readVectors(t, set, "session_encoding.json", &file)
		c := file.codec(false)
		for _, v := range file.Encode {
			t.Run(set+"/"+v.Name, func(t *testing.T) {
				d, _, err := c.Decode([]byte(v.Encoded))
				if err != nil {
					t.Fatalf("decode Django's %.100q: %v", v.Encoded, err)
				}
				if got := jsonOf(t, d); got != v.JSON {
					t.Fatalf("decode Django's %.100q\n got %.200s\nwant %.200s", v.Encoded, got, v.JSON)
				}
				text, err := c.Encode(d)
				if err != nil {
					t.Fatal(err)
				}
				if !v.Compressed && string(text) != v.Encoded {
					t.Errorf("encode %.100s\n got %.200q\nwant %.200q", v.JSON, text, v.Encoded)
				}
				if compressed := text[0] == '.'; compressed != v.Compressed && v.JSONLen-v.ZlibLen > 8 {
					t.Errorf("encode %.100s: compressed = %t, want %t", v.JSON, compressed, v.Compressed)
				}
				if again, fallback, err := c.Decode(text); err != nil || fallback || jsonOf(t, again) != v.JSON {
					t.Errorf("decode our %.100q: %v, %t", text, err, fallback)
				}
			})
		}
	}
}

func jsonOf(t testing.TB, d *pyvalue.Dict) string {
	t.Helper()
	text, err := pyvalue.AppendJSON(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecodeVectors_F21(t *testing.T) {
	for set := range vectorSets {
		var file vectorFile
		readVectors(t, set, "session_encoding.json", &file)
		legacy := set == "3.2"
		with := file.codec(legacy, fallbackKey)
		if legacy {
			with = file.codec(legacy) // 3.2 knows no fallback keys
		}
		for _, v := range file.Decode {
			t.Run(set+"/"+v.Name, func(t *testing.T) {
				requireDecoded(t, file.codec(legacy), v.Encoded, v.DecodedJSON)
				requireDecoded(t, with, v.Encoded, v.DecodedJSONFallback)
			})
		}
	}
}

// requireDecoded compares with Django's reading. Where Django raises, or shows {} (no case holds a genuine {}), or what is
// not an object, an error is right.
func requireDecoded(t *testing.T, c *Signed, text string, want *string) {
	t.Helper()
	d, _, err := c.Decode([]byte(text))
	if want == nil || *want == "{}" || (*want)[0] != '{' {
		if err == nil || d != nil {
			t.Errorf("Decode(%q) = %v, want an error", text, jsonOf(t, d))
		}
		return
	}
	if err != nil {
		t.Fatalf("Decode(%q): %v", text, err)
	}
	if got := jsonOf(t, d); got != *want {
		t.Errorf("Decode(%q)\n got %s\nwant %s", text, got, *want)
	}
}

func TestDecode_F26_fallback(t *testing.T) {
	now := time.Unix(1700000000, 0)
	old := NewSigned(signing.Keys{Secret: "old"}, func() time.Time { return now })
	rotated := NewSigned(signing.Keys{Secret: "new", Fallbacks: []string{"old"}}, func() time.Time { return now })
	text, err := old.Encode(authenticated(t))
	if err != nil {
		t.Fatal(err)
	}
	d, fallback, err := rotated.Decode(text)
	if err != nil || !fallback {
		t.Fatalf("signed with a fallback: fallback = %t, %v", fallback, err)
	}
	if text, err = rotated.Encode(d); err != nil {
		t.Fatal(err)
	}
	if _, fallback, err := rotated.Decode(text); err != nil || fallback {
		t.Errorf("after re-signing: fallback = %t, %v", fallback, err)
	}
	if _, _, err := old.Decode(text); !errors.Is(err, signing.ErrBadSignature) {
		t.Errorf("key removed: %v, want %v", err, signing.ErrBadSignature)
	}
}

func TestSignedCookieVectors(t *testing.T) {
	for set := range vectorSets {
		var file struct {
			SecretKey string `json:"secret_key"`
			Salt      string
			Encode    []struct {
				Name, JSON, Cookie string
				Time               int64
			}
		}
		readVectors(t, set, "signed_cookies.json", &file)
		for _, v := range file.Encode {
			c := NewSignedWith(SignedOptions{Keys: signing.Keys{Secret: file.SecretKey}, Salt: CookieSalt})
			o, err := c.Open([]byte(v.Cookie))
			if err != nil || jsonOf(t, o.Data) != v.JSON || o.SignedAt.Unix() != v.Time {
				t.Errorf("%s/%s: Open(%.60q) at %v: %v", set, v.Name, v.Cookie, o.SignedAt, err)
			}
		}
	}
}

func TestOpen_legacyHasNoTime(t *testing.T) {
	c := NewSignedWith(SignedOptions{Keys: signing.Keys{Secret: "k"}, Legacy: true})
	data := `{"a":1}`
	mac := signing.SaltedHMACSHA1("django.contrib.sessionsSessionStore", "k", data)
	text := base64.StdEncoding.EncodeToString([]byte(hexOf(mac) + ":" + data))
	o, err := c.Open([]byte(text))
	if err != nil || jsonOf(t, o.Data) != data || !o.SignedAt.IsZero() || o.Fallback {
		t.Errorf("Open(%q) = %+v, %v", text, o, err)
	}
	if _, err := NewSigned(signing.Keys{Secret: "k"}, time.Now).Open([]byte(text)); !errors.Is(err, signing.ErrBadSignature) {
		t.Errorf("without the option: %v, want %v", err, signing.ErrBadSignature)
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

func TestEncode_refuses(t *testing.T) {
	c := NewSigned(signing.Keys{Secret: "k"}, time.Now)
	for name, v := range map[string]pyvalue.Value{"bytes": pyvalue.Bytes("x"), "set": &pyvalue.Set{}} {
		d := pyvalue.NewDict()
		d.Set("k", v)
		if text, err := c.Encode(d); !errors.Is(err, pyvalue.ErrKind) || text != nil {
			t.Errorf("%s: Encode = %q, %v; want %v", name, text, err, pyvalue.ErrKind)
		}
	}
}

// TestDecode_F21_bombs: signed by ourselves, so that the signature is not what stops them.
func TestDecode_F21_bombs(t *testing.T) {
	c := NewSigned(signing.Keys{Secret: "k"}, func() time.Time { return time.Unix(0, 0) })
	sign := func(json string) []byte {
		var z bytes.Buffer
		w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
		w.Write([]byte(json))
		w.Close()
		return []byte(c.signer.Sign("."+base64.RawURLEncoding.EncodeToString(z.Bytes()), c.now()))
	}
	zeros := `{"a":"` + strings.Repeat("a", 8<<20) + `"}`
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // keeps the pools
	cut := sign(zeros)
	c.Decode(cut) // fills the pools, as in a running process
	for name, v := range map[string]struct {
		text []byte
		want error
	}{
		"zlib bomb":      {sign(zeros), pyvalue.ErrLimit},
		"nesting bomb":   {sign(strings.Repeat("[", pyvalue.MaxSize)), pyvalue.ErrLimit},
		"value bomb":     {sign("[" + strings.Repeat("[],", 300000) + "0]"), pyvalue.ErrLimit},
		"long text":      {bytes.Repeat([]byte("a"), 8<<20), pyvalue.ErrLimit},
		"stream cut off": {[]byte(c.signer.Sign(string(cut[:200]), c.now())), pyvalue.ErrMalformed},
		"not zlib":       {[]byte(c.signer.Sign(".YWJj", c.now())), pyvalue.ErrMalformed},
		"not base64":     {[]byte(c.signer.Sign("$$$", c.now())), pyvalue.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			d, _, err := c.Decode(v.text)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, v.want) || d != nil {
				t.Errorf("Decode: %v, want %v", err, v.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%d bytes allocated, want at most 4 MiB", used)
			}
		})
	}
	if _, _, err := c.Decode(sign(`{"a":1}`)); err != nil {
		t.Errorf("after the bombs: %v", err)
	}
}

func authenticated(t testing.TB) *pyvalue.Dict {
	t.Helper()
	d := pyvalue.NewDict()
	d.Set("_auth_user_id", pyvalue.Str("42"))
	d.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	d.Set("_auth_user_hash", pyvalue.Str("9f2b6c1d8e7a40535b1c2d3e4f5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"))
	return d
}

func FuzzDecode(f *testing.F) {
	var file vectorFile
	readVectors(f, "5.2", "session_encoding.json", &file)
	for _, v := range file.Decode {
		f.Add([]byte(v.Encoded), true)
	}
	for _, v := range file.Encode {
		if len(v.Encoded) < 1000 {
			f.Add([]byte(strings.SplitN(v.Encoded, ":", 2)[0]), false)
		}
	}
	c := file.codec(true, fallbackKey)
	f.Fuzz(func(t *testing.T, text []byte, signed bool) {
		if !signed { // get behind the signature
			text = []byte(c.signer.Sign(string(text), c.now()))
		}
		d, _, err := c.Decode(text)
		if err != nil {
			if d != nil {
				t.Fatalf("Decode(%q) = data and %v", text, err)
			}
			return
		}
		again, err := c.Encode(d)
		if errors.Is(err, pyvalue.ErrLimit) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if same, fallback, err := c.Decode(again); err != nil || fallback || !same.Equal(d) {
			t.Fatalf("%q was written as %q: %v", text, again, err)
		}
	})
}

func BenchmarkSignedEncode(b *testing.B) {
	c, d := NewSigned(signing.Keys{Secret: "k"}, time.Now), authenticated(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignedDecode(b *testing.B) {
	c := NewSigned(signing.Keys{Secret: "k"}, time.Now)
	text, err := c.Encode(authenticated(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPickled(t *testing.T) {
	d := authenticated(t)
	for _, p := range []Pickled{4, 5} {
		data, err := p.Encode(d)
		if err != nil || data[1] != byte(p) {
			t.Fatalf("Pickled(%d).Encode = %q, %v", p, data, err)
		}
		if again, err := p.Decode(data); err != nil || !again.Equal(d) {
			t.Errorf("Pickled(%d).Decode(%q): %v", p, data, err)
		}
	}
}

func BenchmarkPickledDecode(b *testing.B) {
	data, err := Pickled(5).Encode(authenticated(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Pickled(5).Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPickledEncode(b *testing.B) {
	d := authenticated(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Pickled(5).Encode(d); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDeflateDecides: the fast compressor changes no decision that the usual one would make.
func TestDeflateDecides(t *testing.T) {
	usual := newZlibPool()
	for set := range vectorSets {
		var file struct {
			Encode []struct{ Name, JSON string }
		}
		readVectors(t, set, "session_encoding.json", &file)
		for _, v := range file.Encode {
			want, err := compress(&usual.writers, []byte(v.JSON))
			if err != nil {
				t.Fatal(err)
			}
			small, shorter, err := usual.deflate([]byte(v.JSON))
			if err != nil || shorter != (len(want) < len(v.JSON)-1) {
				t.Errorf("%s/%s: %d bytes become %d, shorter: %v, %v; the usual compressor makes %d", set, v.Name, len(v.JSON), len(small), shorter, err, len(want))
			}
		}
	}
	for length := range incompressible {
		if small, err := compress(&usual.writers, bytes.Repeat([]byte("a"), length)); err != nil || len(small) < length-1 {
			t.Errorf("%d bytes become %d, %v", length, len(small), err)
		}
	}
}
