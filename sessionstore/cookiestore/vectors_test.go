package cookiestore_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/ledger"
)

type vectorFile struct {
	SecretKey string `json:"secret_key"`
	Load      []struct {
		Name, Cookie     string
		Now              int64
		SessionCookieAge int64 `json:"session_cookie_age"`
		Data             json.RawMessage
	}
}

// TestVectors_9_2: what each Django says of a cookie, with one deliberate exception: a stamp more than 60 s in the future is refused.
func TestVectors_9_2(t *testing.T) {
	for _, set := range []string{".", "django-3.2", "django-6.1"} {
		text, err := os.ReadFile(filepath.Join("../../testdata/vectors", set, "signed_cookies.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		future := 0
		for _, v := range file.Load {
			want := string(v.Data)
			if v.Name == "clock_behind" {
				want, future = "{}", future+1
			}
			clock := func() time.Time { return time.Unix(v.Now, 0) }
			store := cookiestore.New(signing.Keys{Secret: file.SecretKey}, newLedger(t), time.Duration(v.SessionCookieAge)*time.Second, clock)
			if got := loaded(t, store, v.Cookie); got != canonical(t, want) {
				t.Errorf("%s/%s: got %s, want %s", set, v.Name, got, want)
			}
		}
		if len(file.Load) != 9 || future != 1 {
			t.Errorf("%s: %d cookies, %d of them from the future; want 9 and 1", set, len(file.Load), future)
		}
	}
}

// TestFuture_9_2_60s: the clocks of two machines may differ by a minute.
func TestFuture_9_2_60s(t *testing.T) {
	now := time.Unix(1700000000, 0)
	keys := signing.Keys{Secret: secret}
	data := pyvalue.NewDict()
	data.Set("a", pyvalue.Str("b"))
	for ahead, want := range map[time.Duration]string{60 * time.Second: `{"a":"b"}`, 61 * time.Second: "{}"} {
		there := cookiestore.New(keys, newLedger(t), time.Hour, func() time.Time { return now.Add(ahead) })
		cookie, err := there.Create(t.Context(), sessionstore.NewKey(), sessionstore.Record{Data: data})
		if err != nil {
			t.Fatal(err)
		}
		here := cookiestore.New(keys, newLedger(t), time.Hour, func() time.Time { return now })
		if got := loaded(t, here, cookie); got != want {
			t.Errorf("signed %v ahead of our clock: got %s, want %s", ahead, got, want)
		}
	}
}

// loaded is the session's data as JSON, "{}" where there is none.
func loaded(t *testing.T, store *cookiestore.Store, cookie string) string {
	t.Helper()
	rec, err := store.Load(t.Context(), cookie)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return "{}"
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := pyvalue.AppendJSON(nil, rec.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	d, err := pyvalue.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pyvalue.AppendJSON(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func newLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	db, err := sqlconn.Open("sqlite:"+filepath.Join(t.TempDir(), "db"), sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	l := ledger.New(db, signing.Keys{Secret: secret}, time.Now)
	if err := l.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}
