package filestore_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/filestore"
)

// vectorSecret is the SECRET_KEY of all vectors; file_backend.json does not repeat it.
const vectorSecret = "vectors-secret-key-é-0123456789abcdefghijklmnop"

type vectorFile struct {
	CookieName       string `json:"cookie_name"`
	SessionCookieAge int64  `json:"session_cookie_age"`
	Write            []struct {
		DirListing    []string `json:"dir_listing"`
		Content, Mode string
	}
	Load []struct {
		Name, Content     string
		MtimeOffset       int64 `json:"mtime_offset_seconds"`
		Data              json.RawMessage
		Survives          *bool `json:"survives_clearsessions"`
		Raises            string
		ClearsessionRaise string `json:"clearsessions_raises"`
	}
	Leaves []string `json:"clearsessions_leaves"`
}

// differs is where this store deliberately does not do as Django: what Load finds, and whether the file outlives clearing.
var differs = map[string]struct {
	data     string
	survives bool
	why      string
}{
	"int_expiry_positive_but_very_old_mtime": {"{}", false, "a positive number is so many seconds from the last save; Django's never ends"},
	"corrupt_old":                            {"{}", true, "what does not verify is left for the operator: a wrong secret key must delete nothing"},
	"non_ascii":                              {"{}", true, "Django answers 500"},
	"iso_expiry_future_old_mtime":            {`{"a":1,"_session_expiry":"2999-01-01T00:00:00+00:00"}`, true, "Django 3.2 answers 500"},
	"iso_expiry_past":                        {"{}", false, "Django 3.2 answers 500"},
}

const vectorKey = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestVectors(t *testing.T) {
	for _, set := range []string{".", "django-3.2", "django-6.1"} {
		text, err := os.ReadFile(filepath.Join("../../testdata/vectors", set, "file_backend.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		t.Run(set, func(t *testing.T) { file.written(t); file.loads(t); file.leaves(t) })
	}
}

func (v vectorFile) open(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	settings := sessionstore.Settings{CookieAge: time.Duration(v.SessionCookieAge) * time.Second}
	store, err := filestore.Open(codec.NewSigned(signing.Keys{Secret: vectorSecret}, func() time.Time { return time.Unix(1700000000, 0) }),
		filestore.Options{Dir: dir, CookieName: v.CookieName, Settings: settings, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// written: the same file, by name, mode and content.
func (v vectorFile) written(t *testing.T) {
	dir := t.TempDir()
	data := pyvalue.NewDict()
	data.Set("a", pyvalue.Str("b"))
	rec := sessionstore.Record{Data: data, Expires: time.Now().Add(time.Hour)}
	if _, err := v.open(t, dir).Create(t.Context(), "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", rec); err != nil {
		t.Fatal(err)
	}
	want := v.Write[0]
	if got := names(t, dir); !slices.Equal(got, want.DirListing) {
		t.Fatalf("files %q, want %q", got, want.DirListing)
	}
	info, err := os.Stat(filepath.Join(dir, want.DirListing[0]))
	if err != nil {
		t.Fatal(err)
	}
	if mode := "0o" + octal(info.Mode().Perm()); mode != want.Mode {
		t.Errorf("mode %s, want %s", mode, want.Mode)
	}
	if text, err := os.ReadFile(filepath.Join(dir, want.DirListing[0])); err != nil || string(text) != want.Content {
		t.Errorf("content %q, %v, want %q", text, err, want.Content)
	}
}

func octal(mode os.FileMode) string {
	return string([]byte{'0' + byte(mode>>6&7), '0' + byte(mode>>3&7), '0' + byte(mode&7)})
}

// loads: by content and age, also after Django's clearsessions.
func (v vectorFile) loads(t *testing.T) {
	for _, c := range v.Load {
		want, survives := string(c.Data), c.Survives != nil && *c.Survives
		if d, ok := differs[c.Name]; ok {
			want, survives = d.data, d.survives
		} else if c.Raises != "" || c.ClearsessionRaise != "" {
			t.Errorf("%s: Django raises %s%s and nobody says what we do", c.Name, c.Raises, c.ClearsessionRaise)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, v.CookieName+vectorKey)
		v.place(t, path, latin1(c.Content), c.MtimeOffset)
		store := v.open(t, dir)
		if got := loaded(t, store); got != canonical(t, want) {
			t.Errorf("%s: got %s, want %s", c.Name, got, want)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: loading removed the file", c.Name)
		}
		if _, err := store.ClearExpired(t.Context()); err != nil {
			t.Errorf("%s: clear: %v", c.Name, err)
		}
		if left := len(names(t, dir)) == 1; left != survives {
			t.Errorf("%s: after clearing the file is there: %v, want %v", c.Name, left, survives)
		}
	}
}

// leaves: clearing touches no other files. Young temporary ones of Django's are left as well.
func (v vectorFile) leaves(t *testing.T) {
	dir := t.TempDir()
	for _, name := range v.Leaves {
		v.place(t, filepath.Join(dir, name), nil, 0)
	}
	if _, err := v.open(t, dir).ClearExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, slices.Sorted(slices.Values(v.Leaves))) {
		t.Errorf("left %q, want %q", got, v.Leaves)
	}
}

func (v vectorFile) place(t *testing.T, path string, content []byte, offset int64) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	modified := time.Now().Add(time.Duration(offset) * time.Second)
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// latin1 gives the bytes that the vectors write as characters.
func latin1(text string) []byte {
	var raw []byte
	for _, r := range text {
		raw = append(raw, byte(r))
	}
	return raw
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

// loaded is the session's data as JSON, "{}" where there is none.
func loaded(t *testing.T, store *filestore.Store) string {
	t.Helper()
	rec, err := store.Load(t.Context(), vectorKey)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return "{}"
	}
	if err != nil {
		t.Fatal(err)
	}
	return text(t, rec.Data)
}

func canonical(t *testing.T, source string) string {
	t.Helper()
	d, err := pyvalue.ParseJSON([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return text(t, d)
}

func text(t *testing.T, d *pyvalue.Dict) string {
	t.Helper()
	out, err := pyvalue.AppendJSON(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestClearing_55: with a cookie age of zero only a session with a date of its own is left; a directory that is not there is said at the start (52).
func TestClearing_55(t *testing.T) {
	dir := t.TempDir()
	store := vectorFile{CookieName: "sessionid"}.open(t, dir)
	for key, expiry := range map[string]any{vectorKey: 3600, "bbbbbbbbbbbbbbbb": -3600, "cccccccccccccccc": nil} {
		data := pyvalue.NewDict()
		if seconds, ok := expiry.(int); ok {
			data.Set("_session_expiry", pyvalue.NewInt(int64(seconds)))
		}
		if _, err := store.Create(t.Context(), key, sessionstore.Record{Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := store.ClearExpired(t.Context()); err != nil || n != 2 {
		t.Errorf("cleared %d, %v; want 2", n, err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"sessionid" + vectorKey}) {
		t.Errorf("left %q", got)
	}
}

func TestNoDirectory_52(t *testing.T) {
	_, err := filestore.Open(codec.NewSigned(signing.Keys{Secret: secret}, time.Now), filestore.Options{
		Dir: filepath.Join(t.TempDir(), "missing"), CookieName: "sessionid", Now: time.Now})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "session.file_path") {
		t.Errorf("open = %v, want an error that names the key", err)
	}
}
