package identity

import (
	"math"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"

	"github.com/google/go-cmp/cmp"
)

func alice() auth.Principal {
	return auth.Principal{ID: "7", Username: "alice", Email: "alice@example.com", Name: "Alice Liddell", Groups: []string{"admins", "tea party"}, Staff: true}
}

func TestFieldsOfPresets(t *testing.T) {
	for _, tc := range []struct {
		preset string
		want   []Field
	}{
		{"", []Field{{"Remote-User", "alice"}, {"Remote-Name", "Alice Liddell"}, {"Remote-Email", "alice@example.com"}, {"Remote-Groups", "admins,tea party"}}},
		{"x-forwarded", []Field{{"X-Forwarded-User", "alice"}, {"X-Forwarded-Preferred-Username", "alice"}, {"X-Forwarded-Email", "alice@example.com"}, {"X-Forwarded-Groups", "admins,tea party"}}},
		{"x-auth-request", []Field{{"X-Auth-Request-User", "alice"}, {"X-Auth-Request-Preferred-Username", "alice"}, {"X-Auth-Request-Email", "alice@example.com"}, {"X-Auth-Request-Groups", "admins,tea party"}}},
		{"x-webauth", []Field{{"X-Webauth-User", "alice"}, {"X-Webauth-Email", "alice@example.com"}, {"X-Webauth-Name", "Alice Liddell"}, {"X-Webauth-Fullname", "Alice Liddell"}, {"X-Webauth-Groups", "admins,tea party"}}},
		{"none", []Field{}},
	} {
		got, err := mustNew(t, Options{Preset: tc.preset}).Fields(alice())
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("preset %q: %v, %s", tc.preset, err, diff)
		}
	}
}

func TestFieldsOfCustomHeaders(t *testing.T) {
	h := mustNew(t, Options{Preset: "remote", GroupSeparator: "|", Headers: []Header{
		{"remote-name", "id"}, {"X-Staff", "staff"}, {"X-Root", "superuser"}, {"X-Tenant", "session:tenant"}}})
	got, err := h.Fields(alice())
	want := []Field{{"Remote-User", "alice"}, {"Remote-Email", "alice@example.com"}, {"Remote-Groups", "admins|tea party"},
		{"Remote-Name", "7"}, {"X-Staff", "true"}, {"X-Root", "false"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	names := []string{"Remote-User", "Remote-Email", "Remote-Groups", "Remote-Name", "X-Staff", "X-Root", "X-Tenant"}
	if diff := cmp.Diff(names, h.Names()); diff != "" {
		t.Errorf("Names: %s", diff)
	}
}

// Values of the session reach the upstream also while nobody is logged in.
func TestFieldsOfSession(t *testing.T) {
	session, err := sessionstore.New(nil, sessionstore.Settings{}, time.Now).Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"tenant": "acme", "visits": 3, "beta": true, "cart": []any{"a"}, "bad": "a\nb"} {
		if err := session.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	headers := []Header{{"X-Tenant", "session:tenant"}, {"X-Visits", "session:visits"}, {"X-Beta", "session:beta"}, {"X-Cart", "session:cart"}, {"X-None", "session:none"}}
	got, err := mustNew(t, Options{Preset: "none", Headers: headers}).Fields(auth.Principal{Session: session})
	want := []Field{{"X-Tenant", "acme"}, {"X-Visits", "3"}, {"X-Beta", "true"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	if got, err := mustNew(t, Options{Headers: []Header{{"X-Bad", "session:bad"}}}).Fields(auth.Principal{Session: session}); err == nil {
		t.Errorf("a session value with a line break is sent: %v", got)
	}
}

func TestFieldsOfNobody(t *testing.T) {
	h := mustNew(t, Options{Headers: []Header{{"X-Staff", "staff"}}})
	for _, p := range []auth.Principal{{}, {Username: "eve", Staff: true}} {
		if got, err := h.Fields(p); len(got) != 0 || err != nil {
			t.Errorf("Fields(%+v) = %v, %v; want none", p, got, err)
		}
	}
}

func TestFieldsRefuse_4_1_3(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*auth.Principal)
		want   string // part of the error; empty: no error
	}{
		{"CR LF", func(p *auth.Principal) { p.Username = "alice\r\nRemote-Groups: admins" }, "control character"},
		{"NUL", func(p *auth.Principal) { p.Email = "a\x00" }, "control character"},
		{"DEL", func(p *auth.Principal) { p.Name = "a\x7f" }, "control character"},
		{"C1 control", func(p *auth.Principal) { p.Name = "a\u0085b" }, "control character"},
		{"not UTF-8", func(p *auth.Principal) { p.Username = "\xff" }, "UTF-8"},
		{"blank at the end", func(p *auth.Principal) { p.Username = "alice " }, "blank"},
		{"blank at the end of a name", func(p *auth.Principal) { p.Name = " Alice " }, ""},
		{"no-break space at the end", func(p *auth.Principal) { p.Username = "alice\u00a0" }, "blank"},
		{"group with separator", func(p *auth.Principal) { p.Groups = []string{"users,admins"} }, `separator ","`},
		{"group with line break", func(p *auth.Principal) { p.Groups = []string{"users\nx"} }, "control character"},
		{"group with blank", func(p *auth.Principal) { p.Groups = []string{"a", " admins"} }, "blanks"},
		{"empty group", func(p *auth.Principal) { p.Groups = []string{"a", ""} }, "empty"},
		{"4.2.5 too long", func(p *auth.Principal) { p.Name = strings.Repeat("x", maxValue+1) }, "longer"},
		{"non-ASCII is UTF-8", func(p *auth.Principal) { p.Username = "jürgen" }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := alice()
			tc.change(&p)
			fields, err := mustNew(t, Options{}).Fields(p)
			if (err == nil) != (tc.want == "") || err != nil && (!strings.Contains(err.Error(), tc.want) || fields != nil) {
				t.Errorf("Fields = %v, %v; want error %q", fields, err, tc.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		opts Options
		want string
	}{
		{Options{Preset: "authelia"}, "use remote, x-forwarded"},
		{Options{Headers: []Header{{"X_User", "id"}}}, "letters, digits and dashes"},
		{Options{Headers: []Header{{"", "id"}}}, "letters, digits and dashes"},
		{Options{Headers: []Header{{"Cookie", "id"}}}, "meaning in HTTP"},
		{Options{Headers: []Header{{"sec-fetch-site", "id"}}}, "meaning in HTTP"},
		{Options{Headers: []Header{{"X-Forwarded-For", "id"}}}, "meaning in HTTP"},
		{Options{Headers: []Header{{"X-User", "id"}, {"x-user", "email"}}}, "listed twice"},
		{Options{Headers: []Header{{"X-User", "mail"}}}, "use id, username"},
		{Options{Headers: []Header{{"X-User", "session:"}}}, "use id, username"},
		{Options{GroupSeparator: "\n"}, "control"},
	} {
		if h, err := New(tc.opts); err == nil || h != nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("New(%+v) = %v; want error %q", tc.opts, err, tc.want)
		}
	}
	_, err := New(Options{Preset: "x", Headers: []Header{{"Host", "id"}, {"X-A", "b"}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("New with three mistakes = %v, want all of them", err)
	}
}

func TestPythonText(t *testing.T) {
	for _, tc := range []struct {
		value pyvalue.Value
		want  string
	}{
		{pyvalue.Str("acme"), "acme"},
		{pyvalue.NewInt(-42), "-42"},
		{pyvalue.Bool(true), "true"},
		{pyvalue.Float(1), "1.0"},
		{pyvalue.Float(0.25), "0.25"},
		{pyvalue.Float(1e300), "1e+300"},
		{pyvalue.Float(math.Inf(1)), ""},
		{pyvalue.None{}, ""},
		{&pyvalue.List{}, ""},
		{nil, ""},
	} {
		if got := pythonText(tc.value); got != tc.want {
			t.Errorf("pythonText(%#v) = %q, want %q", tc.value, got, tc.want)
		}
	}
}

func mustNew(t testing.TB, opts Options) *Headers {
	t.Helper()
	h, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func BenchmarkFields(b *testing.B) {
	h, p := mustNew(b, Options{}), alice()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Fields(p); err != nil {
			b.Fatal(err)
		}
	}
}

// What differs between the sessions of one user must not be remembered with the user.
func TestSessionsShareOnlyTheUsersFields(t *testing.T) {
	for value, session := range map[string]bool{
		"id": false, "username": false, "email": false, "name": false, "groups": false, "staff": false, "superuser": false, "visitor": true, "session:x": true,
	} {
		h, err := New(Options{Preset: "none", Headers: []Header{{"X-A", "id"}, {"X-B", value}}, VisitorKey: []byte("k")})
		if err != nil {
			t.Fatal(err)
		}
		if h.session != session {
			t.Errorf("value %s: of the session %v, want %v", value, h.session, session)
		}
	}
}
