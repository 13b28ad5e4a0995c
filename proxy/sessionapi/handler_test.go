package sessionapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

func TestValues(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	d.want(d.call(token, "GET", "/session/x", ""), 200, "1")
	for _, c := range []struct{ name, sent, kept string }{
		{"string", `"three apples"`, ""},
		{"beyond ASCII", `"Jürgen 🍎"`, `"J\u00fcrgen \ud83c\udf4e"`},
		{"int", `5`, ""},
		{"whole float", `5.0`, ""},
		{"huge int", `123456789012345678901234567890`, ""},
		{"null", `null`, ""},
		{"list", `[1,[true,"a"],{}]`, ""},
		{"object in its order", `{"b":1,"a":[2]}`, ""},
		{"blanks around", " { \"a\" : 1 } \n", `{"a":1}`},
		{"escapes", `"\u0000\"\\\ud83c"`, ""},
		{"name with a slash: a/b", `1`, ""},
		{"naïve %2F?#", `1`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/session/" + strings.NewReplacer("%", "%25", "/", "%2F", "?", "%3F", "#", "%23", " ", "%20", "ï", "%C3%AF").Replace(c.name)
			if c.kept == "" {
				c.kept = c.sent
			}
			put := d.call(token, "PUT", path, c.sent)
			d.want(put, 201, "")
			got := d.call(token, "GET", path, "")
			d.want(got, 200, c.kept)
			if tag := got.Header.Get("Etag"); tag == "" || tag != put.Header.Get("Etag") {
				t.Errorf("tags %q, %q", put.Header.Get("Etag"), tag)
			}
			if got.Header.Get("Content-Type") != "application/json; charset=utf-8" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", got.Header)
			}
			d.want(d.call(token, "PUT", path, c.sent), 204, "")
			if _, there := d.open(key).Get(c.name); !there {
				t.Errorf("the session lacks %q", c.name)
			}
			d.want(d.call(token, "HEAD", path, ""), 200, "")
			d.want(d.call(token, "DELETE", path, ""), 204, "")
			d.want(d.call(token, "GET", path, ""), 404, "-")
			d.want(d.call(token, "DELETE", path, ""), 404, "-")
		})
	}
	if id, _ := d.open(key).GetString("_auth_user_id"); id != "7" {
		t.Errorf("the login is lost: %q", id)
	}
}

func TestWhole(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	_, err := d.sessions.Change(t.Context(), key, func(s *sessionstore.Session) error {
		return errors.Join(s.Set("cart", []any{"a"}), s.Set("raw", []byte("b")), s.Set("nan", pyvalue.Float(nan())))
	})
	if err != nil {
		t.Fatal(err)
	}
	got := d.call(token, "GET", "/session", "")
	end := d.now.UTC().Add(sessionstore.DefaultCookieAge).Format(time.RFC3339)
	d.want(got, 200, `{"data":{"x":1,"cart":["a"]},"expiry":{"expires":"`+end+`","age":1209600,"browser_close":false},"unreadable":["raw","nan"]}`)
	d.want(d.call(token, "GET", "/session", "", "If-None-Match", got.Header.Get("Etag")), 304, "")
	d.want(d.call(token, "GET", "/session/raw", ""), 406, "-")
	d.want(d.call(token, "GET", "/session/nan", ""), 406, "-")
	d.want(d.call(token, "PUT", "/session/raw", "1"), 204, "")
}

func nan() float64 { var zero float64; return zero / zero }

func TestHiddenNames(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	for _, name := range []string{"_auth_user_id", "_session_expiry", "_", "%5Fauth_user_id"} {
		d.want(d.call(token, "GET", "/session/"+name, ""), 404, "-")
		d.want(d.call(token, "PUT", "/session/"+name, `"1"`), 403, "-")
		d.want(d.call(token, "DELETE", "/session/"+name, ""), 403, "-")
	}
	if id, _ := d.open(key).GetString("_auth_user_id"); id != "7" {
		t.Errorf("user %q", id)
	}
}

func TestFlush_7_4_1(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	v := d.visit(key)
	d.want(d.call(token, "DELETE", "/session", "", "If-Match", `"other"`), 412, "-")
	d.want(d.call(token, "DELETE", "/session", ""), 204, "")
	if d.open(key).Key() != "" || !v.End() {
		t.Error("the session lives, or its visit does not know")
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r := d.call(token, method, "/session/x", "1")
		d.want(r, 401, "-")
		if detail := d.problemOf(r); !strings.Contains(detail, "has ended") {
			t.Errorf("detail %q", detail)
		}
	}
	if n := d.store.count(t); n != 0 {
		t.Errorf("%d records", n)
	}
}

func TestExpiry(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	at := d.now.UTC().Add(48 * time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		sent   string
		status int
		age    time.Duration
		close  bool
	}{
		{"300", 200, 5 * time.Minute, false}, {"0", 200, sessionstore.DefaultCookieAge, true}, {`"` + at + `"`, 200, 48 * time.Hour, false},
		{"-1", 400, 48 * time.Hour, false}, {"1e3", 400, 48 * time.Hour, false}, {`"tomorrow"`, 400, 48 * time.Hour, false}, {`"2001-01-01T00:00:00Z"`, 400, 48 * time.Hour, false},
		{"999999999999999999999999", 400, 48 * time.Hour, false}, {"400000000", 400, 48 * time.Hour, false}, {"true", 400, 48 * time.Hour, false}, {"[1]", 400, 48 * time.Hour, false},
		{"null", 200, sessionstore.DefaultCookieAge, false},
	} {
		r := d.call(token, "PUT", "/expiry", c.sent)
		s := d.open(key)
		if r.StatusCode != c.status || s.Age() != c.age || s.BrowserClose() != c.close {
			t.Errorf("PUT %s: %d, age %v, browser close %v; want %d, %v, %v", c.sent, r.StatusCode, s.Age(), s.BrowserClose(), c.status, c.age, c.close)
		}
		var got expiry
		if err := json.Unmarshal([]byte(d.call(token, "GET", "/expiry", "").text), &got); err != nil || !got.Expires.Equal(s.Ends().Truncate(time.Second)) ||
			got.Age != int64(c.age/time.Second) || got.BrowserClose != c.close {
			t.Errorf("GET after PUT %s: %+v, %v", c.sent, got, err)
		}
	}
	d.want(d.call(token, "PUT", "/expiry", "60", "If-Match", `"other"`), 412, "-")
	d.want(d.call(token, "PUT", "/session/expiry", `"a value of that name"`), 201, "")
}

func TestConditions(t *testing.T) {
	d := newDesk(t)
	_, token := d.session()
	tag := d.call(token, "GET", "/session/x", "").Header.Get("Etag")
	d.want(d.call(token, "PUT", "/session/x", "2", "If-Match", `"other", `+tag), 204, "")
	r := d.call(token, "PUT", "/session/x", "3", "If-Match", tag)
	d.want(r, 412, "-")
	d.problemOf(r)
	d.want(d.call(token, "DELETE", "/session/x", "", "If-Match", tag), 412, "-")
	d.want(d.call(token, "PUT", "/session/x", "3", "If-Match", "*"), 204, "")
	d.want(d.call(token, "PUT", "/session/x", "4", "If-None-Match", "*"), 412, "-")
	d.want(d.call(token, "PUT", "/session/new", "4", "If-Match", "*"), 412, "-")
	d.want(d.call(token, "PUT", "/session/new", "4", "If-Match", tag), 412, "-")
	d.want(d.call(token, "PUT", "/session/new", "4", "If-None-Match", "*"), 201, "")
	d.want(d.call(token, "GET", "/session/x", ""), 200, "3")
}

// Of parallel increments with If-Match none is lost; without it, none of other names (J2).
func TestParallel_F12_J2(t *testing.T) {
	d := newDesk(t)
	_, token := d.session()
	d.want(d.call(token, "PUT", "/session/n", "0"), 201, "")
	const writers = 8
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range 10 {
				d.want(d.call(token, "PUT", fmt.Sprintf("/session/w%d.%d", w, i), "1"), 201, "")
				for {
					got := d.call(token, "GET", "/session/n", "")
					var n int
					if err := json.Unmarshal([]byte(got.text), &n); err != nil {
						t.Error(err)
						return
					}
					put := d.call(token, "PUT", "/session/n", fmt.Sprint(n+1), "If-Match", got.Header.Get("Etag"))
					if put.StatusCode == 204 {
						break
					}
				}
			}
		})
	}
	group.Wait()
	d.want(d.call(token, "GET", "/session/n", ""), 200, fmt.Sprint(writers*10))
	for w := range writers {
		for i := range 10 {
			d.want(d.call(token, "GET", fmt.Sprintf("/session/w%d.%d", w, i), ""), 200, "1")
		}
	}
}

func TestLimits(t *testing.T) {
	d := newDesk(t)
	_, token := d.session()
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"64 KiB", `"` + strings.Repeat("x", maxBody-2) + `"`, 201},
		{"a byte more", `"` + strings.Repeat("x", maxBody-1) + `"`, 413},
		{"16 deep", strings.Repeat("[", 16) + strings.Repeat("]", 16), 201},
		{"17 deep", strings.Repeat("[", 17) + "1" + strings.Repeat("]", 17), 400},
		{"a thousand deep", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), 400},
		{"empty", "", 400}, {"no quotes", "apples", 400}, {"two values", "1 2", 400}, {"NaN", "NaN", 400}, {"1e999", "1e999", 400},
		{"not UTF-8", "\"\xff\"", 400}, {"half an object", `{"a":1`, 400}, {"injection", `1},"_auth_user_id":{"a":1`, 400}, {"line break in a string", "\"a\nb\"", 400},
		{"integer of 5000 digits", strings.Repeat("9", 5000), 400}, {"byte order mark", "\ufeff1", 400},
	} {
		r := d.call(token, "PUT", "/session/limit%20"+strings.ReplaceAll(c.name, " ", "%20"), c.body)
		if r.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, r.StatusCode, r.text, c.want)
		}
		if c.want >= 400 {
			d.problemOf(r)
		}
	}
	d.want(d.call(token, "PUT", "/session/"+strings.Repeat("n", maxName), "1"), 201, "")
	for _, path := range []string{"/", "/session/", "/session/a/b", "/session/%ff", "/sessions", "/expiry/", "/session/" + strings.Repeat("n", maxName+1), "//session"} {
		d.want(d.call(token, "GET", path, ""), 404, "-")
	}
	r := d.call(token, "POST", "/session/x", "1")
	d.want(r, 405, "-")
	if got := r.Header.Get("Allow"); got != "DELETE, GET, HEAD, PUT" {
		t.Errorf("Allow %q", got)
	}
	t.Run("total", func(t *testing.T) {
		d := newDesk(t)
		_, token := d.session()
		body := `"` + strings.Repeat("x", maxBody-100) + `"`
		for i := range 4 {
			d.want(d.call(token, "PUT", fmt.Sprintf("/session/n%d", i), body), 201, "")
		}
		d.want(d.call(token, "PUT", "/session/n4", body), 507, "-")
		d.want(d.call(token, "GET", "/session/n4", ""), 404, "-")
	})
	t.Run("names", func(t *testing.T) {
		d := newDesk(t)
		_, token := d.session() // x is the first
		for i := range maxNames - 1 {
			d.want(d.call(token, "PUT", fmt.Sprintf("/session/n%d", i), "1"), 201, "")
		}
		d.want(d.call(token, "PUT", "/session/one-more", "1"), 507, "-")
		d.want(d.call(token, "PUT", "/session/n5", "2"), 204, "")
		d.want(d.call(token, "DELETE", "/session/n5", ""), 204, "")
		d.want(d.call(token, "PUT", "/session/one-more", "1"), 201, "")
	})
}

func TestToken(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	if strings.Contains(token, key) {
		t.Error("the token holds the session key")
	}
	old, err := NewTokens(signing.Keys{Secret: "an old one"}, NewVisits(), func() time.Time { return d.now })
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := NewTokens(signing.Keys{Secret: "another"}, NewVisits(), func() time.Time { return d.now })
	if err != nil {
		t.Fatal(err)
	}
	last := string([]byte{token[len(token)-10] ^ 1})
	for _, c := range []struct {
		name, token string
		want        int
	}{
		{"ours", token, 200},
		{"R6750 11.1.1 of a fallback key", old.issue(key, false), 200},
		{"of another key", foreign.issue(key, false), 401},
		{"none", "", 401},
		{"the session key itself", key, 401},
		{"changed", token[:len(token)-10] + last + token[len(token)-9:], 401},
		{"cut", token[:20], 401},
		{"longer", token + "A", 401},
		{"padded", token + "=", 401},
		{"10 kB", strings.Repeat("A", 10000), 401},
		{"of an unknown session", d.tokens.issue(strings.Repeat("a", 32), false), 401},
	} {
		r := d.call(c.token, "GET", "/session/x", "")
		if r.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, r.StatusCode, r.text, c.want)
		}
		if c.want == 401 {
			d.problemOf(r)
			if !strings.HasPrefix(r.Header.Get("Www-Authenticate"), "Bearer ") {
				t.Errorf("%s: WWW-Authenticate %q", c.name, r.Header.Get("Www-Authenticate"))
			}
		}
	}
	d.want(d.call("", "GET", "/session/x", "", "Authorization", "Basic "+token), 401, "-")
	d.want(d.call(token, "GET", "/session/x", "", "Authorization", "Bearer "+token), 401, "-")
	d.want(d.call("", "GET", "/session/x", "", "Authorization", "bearer "+token), 200, "1")
	d.now = d.now.Add(TokenLife - time.Second)
	d.want(d.call(token, "GET", "/session/x", ""), 200, "1")
	d.now = d.now.Add(time.Second)
	r := d.call(token, "GET", "/session/x", "")
	d.want(r, 401, "-")
	if detail := d.problemOf(r); !strings.Contains(detail, "expired") {
		t.Errorf("detail %q", detail)
	}
}

// A session that ended by other rules than its record's is ended for applications, too.
func TestCheck_7_3_1(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	idle := false
	d.handler.o.Check = func(ctx context.Context, s *sessionstore.Session) error {
		if idle {
			return s.Flush(ctx)
		}
		return nil
	}
	d.want(d.call(token, "PUT", "/session/x", "2"), 204, "")
	idle = true
	d.want(d.call(token, "PUT", "/session/x", "3"), 401, "-")
	d.want(d.call(token, "GET", "/session/x", ""), 401, "-")
	if d.open(key).Key() != "" {
		t.Error("the session lives")
	}
}

// After a login the session has another key, and the tokens from before are dead.
func TestTokenAfterLogin_7_2_4(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	s := d.open(key)
	if err := s.CycleKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.want(d.call(token, "PUT", "/session/x", "2"), 401, "-")
	d.want(d.call(d.visit(s.Key()).Token, "GET", "/session/x", ""), 200, "1")
}

func TestAnonymous_F34(t *testing.T) {
	d := newDesk(t)
	v := d.visit("")
	if !v.Fresh {
		t.Fatal("not fresh")
	}
	d.want(d.call(v.Token, "GET", "/session/cart", ""), 404, "-")
	d.want(d.call(v.Token, "DELETE", "/session/cart", ""), 404, "-")
	d.want(d.call(v.Token, "DELETE", "/session", ""), 204, "")
	d.want(d.call(v.Token, "PUT", "/session/_x", "1"), 403, "-")
	d.want(d.call(v.Token, "PUT", "/session/cart", "broken"), 400, "-")
	if got := d.call(v.Token, "GET", "/session", ""); !strings.HasPrefix(got.text, `{"data":{},`) {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	if n := d.store.count(t); n != 0 {
		t.Errorf("%d records for a visitor who stored nothing", n)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { d.want(d.call(v.Token, "PUT", fmt.Sprintf("/session/n%d", i), "1"), 201, "") })
	}
	group.Wait()
	s := d.open(v.Key)
	for i := range 8 {
		if _, there := s.Get(fmt.Sprintf("n%d", i)); !there {
			t.Errorf("n%d was acknowledged and is lost", i)
		}
	}
	if !v.End() {
		t.Error("the visit knows nothing of the writes")
	}
	if err := s.CycleLiveKey(t.Context()); err != nil { // as the proxy does when the answer begins
		t.Fatal(err)
	}
	r := d.call(v.Token, "PUT", "/session/late", "1")
	d.want(r, 409, "-")
	if detail := d.problemOf(r); !strings.Contains(detail, "too late") {
		t.Errorf("detail %q", detail)
	}
	if n := d.store.count(t); n != 1 {
		t.Errorf("%d records, want the one session", n)
	}
}

// A fault is no "gone", and tells nothing (F01).
func TestStoreDown_F01(t *testing.T) {
	d := newDesk(t)
	_, token := d.session()
	d.store.down = errors.New("dial tcp 10.0.0.1: password secret")
	for _, call := range [][2]string{{"GET", "/session"}, {"GET", "/session/x"}, {"PUT", "/session/x"}, {"DELETE", "/session/x"}, {"DELETE", "/session"}, {"PUT", "/expiry"}, {"GET", "/expiry"}} {
		r := d.call(token, call[0], call[1], "1")
		d.want(r, 503, "-")
		if detail := d.problemOf(r); strings.Contains(r.text, "secret") || r.Header.Get("Retry-After") != "1" || detail == "" {
			t.Errorf("%v: %s, Retry-After %q", call, r.text, r.Header.Get("Retry-After"))
		}
	}
}

func TestTooManyCalls_13_1_3(t *testing.T) {
	d := newDesk(t)
	_, token := d.session()
	for range maxCalls {
		d.handler.turns <- struct{}{}
	}
	r := d.call(token, "GET", "/session", "")
	d.want(r, 503, "-")
	d.problemOf(r)
}

// What is logged and counted tells neither token, nor key, nor names and values.
func TestLog_16_2_5(t *testing.T) {
	d := newDesk(t)
	key, token := d.session()
	d.call(token, "PUT", "/session/creditcard", `"4111"`, "X-Request-Id", "ABC-1")
	d.call(token+"x", "GET", "/session/creditcard", "", "X-Request-Id", "bad id\n", "Accept", "text/html")
	d.call("", "BREW", "/session", "")
	text := d.log.String()
	for _, secret := range []string{key, token, "creditcard", "4111", "bad id"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %q:\n%s", secret, text)
		}
	}
	for _, want := range []string{`"request_id":"ABC-1"`, `"path":"/session/NAME"`, `"status":201`, sessionstore.KeyHash(key), "session_token_refused", `"method":"other"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
	if len(d.seen) != 3 || d.seen[0].Status != 201 || d.seen[1].Status != 401 {
		t.Errorf("observed %+v", d.seen)
	}
}

func FuzzReadToken(f *testing.F) {
	d := newDesk(&testing.T{})
	key := strings.Repeat("k", 32)
	f.Add(d.tokens.issue(key, true))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := d.tokens.read(token)
		// Nobody without the key makes another one; the fuzzer's processes differ in the time that they issue for.
		if err == nil && (c.key != key || !c.fresh || len(token) != len(d.tokens.issue(key, true))) {
			t.Errorf("%q was read as %+v", token, c)
		}
	})
}

func FuzzPut(f *testing.F) {
	for _, seed := range []string{`1`, `"a"`, `{"a":[1,2.5,null]}`, `"\ud800"`, `1},"_a":{`, "\"é🍎\""} {
		f.Add("name", seed)
	}
	f.Fuzz(func(t *testing.T, name, body string) {
		d := newDesk(t)
		key, token := d.session()
		path := "/session/" + strings.NewReplacer("%", "%25", "/", "%2F", "?", "%3F", "#", "%23", " ", "%20").Replace(name)
		for i := range len(path) {
			if path[i] <= ' ' || path[i] >= 0x7f {
				return
			}
		}
		r := d.call(token, http.MethodPut, path, body)
		s := d.open(key)
		if id, _ := s.GetString("_auth_user_id"); id != "7" || r.StatusCode >= 500 && r.StatusCode != 507 {
			t.Errorf("PUT %q %q: %d %s, user %q", path, body, r.StatusCode, r.text, id)
		}
		if r.StatusCode < 300 {
			got := d.call(token, http.MethodGet, path, "")
			if !json.Valid([]byte(got.text)) || got.StatusCode != 200 {
				t.Errorf("GET after PUT %q %q: %d %q", path, body, got.StatusCode, got.text)
			}
		}
	})
}

func BenchmarkVisit(b *testing.B) {
	tokens, err := NewTokens(testKeys, NewVisits(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		tokens.Visit("0123456789abcdef0123456789abcdef").End()
	}
}
