package identity

import (
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// sessionWith returns a session that holds values.
func sessionWith(t *testing.T, values map[string]any) *sessionstore.Session {
	t.Helper()
	s, err := sessionstore.New(storetest.NewMemory(time.Now), sessionstore.Settings{CookieAge: time.Hour}, time.Now).Open(t.Context(), "")
	for name, value := range values {
		if err == nil {
			err = s.Set(name, value)
		}
	}
	if err == nil {
		err = s.Save(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVisitor(t *testing.T) {
	const random = "RANDOMTEXTOFASESSION"
	headers := []Header{{"X-Visitor-Id", "visitor"}}
	h := mustNew(t, Options{Preset: "none", Headers: headers, VisitorKey: []byte("key")})
	anonymous := sessionWith(t, map[string]any{VisitorName: random})
	idOf := func(h *Headers, p auth.Principal) string {
		t.Helper()
		fields, err := h.Fields(p)
		if err != nil || len(fields) > 1 {
			t.Fatalf("%v, %v", fields, err)
		}
		if len(fields) == 0 {
			return ""
		}
		return fields[0].Value
	}
	id := idOf(h, auth.Principal{Session: anonymous})
	if len(id) != 32 || strings.Contains(id, random) || strings.Contains(id, anonymous.Key()) {
		t.Errorf("id %q, want 32 digits that tell nothing", id)
	}
	if err := anonymous.Set("_auth_user_id", "1"); err != nil {
		t.Fatal(err)
	}
	if err := anonymous.CycleKey(t.Context()); err != nil { // a login
		t.Fatal(err)
	}
	if got := idOf(h, auth.Principal{ID: "1", Session: anonymous}); got != id {
		t.Errorf("after the login %q, want %q", got, id)
	}
	other := mustNew(t, Options{Preset: "none", Headers: headers, VisitorKey: []byte("another key")})
	if got := idOf(other, auth.Principal{Session: anonymous}); got == id {
		t.Error("another key makes the same id")
	}
	for name, p := range map[string]auth.Principal{"no session": {}, "session without an id": {Session: sessionWith(t, map[string]any{"x": 1})},
		"a number": {Session: sessionWith(t, map[string]any{VisitorName: 5})}} {
		if got := idOf(h, p); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !h.Visitors() || mustNew(t, Options{}).Visitors() {
		t.Error("Visitors is wrong")
	}
	if _, err := New(Options{Headers: headers}); err == nil {
		t.Error("a visitor header without a key is taken")
	}
}

// What an upstream sees of session data, also of visitors who are not logged in.
func TestSessionValues(t *testing.T) {
	nested := pyvalue.NewDict()
	nested.Set("a", pyvalue.NewInt(1))
	for _, c := range []struct {
		name  string
		value any
		want  string // "" is no header
		fails bool
	}{
		{"string", "three apples", "three apples", false},
		{"text beyond ASCII", "Jürgen", "Jürgen", false},
		{"empty string", "", "", false},
		{"int", 42, "42", false},
		{"float", 1.5, "1.5", false},
		{"whole float", 2.0, "2.0", false},
		{"true", true, "true", false},
		{"none", nil, "", false},
		{"list", []any{"a"}, "", false},
		{"dict", nested, "", false},
		{"bytes", []byte("a"), "", false},
		{"line break 4.1.3", "a\r\nRemote-User: root", "", true},
		{"NUL", "a\x00", "", true},
		{"C1 control", "a\u0085b", "", true},
		{"blank at the end", "a ", "", true},
		{"9 KiB", strings.Repeat("x", 9<<10), "", true},
	} {
		for who, p := range map[string]auth.Principal{"anonymous": {}, "user": {ID: "1", Username: "alice"}} {
			t.Run(c.name+"/"+who, func(t *testing.T) {
				p.Session = sessionWith(t, map[string]any{"k": c.value})
				fields, err := mustNew(t, Options{Preset: "none", Headers: []Header{{"X-K", "session:k"}, {"X-Missing", "session:missing"}}}).Fields(p)
				if (err != nil) != c.fails {
					t.Fatalf("Fields(%v): %v, want an error: %v", c.value, err, c.fails)
				}
				got := ""
				for _, f := range fields {
					got += f.Value
				}
				if got != c.want {
					t.Errorf("Fields(%v) = %q, want %q", c.value, fields, c.want)
				}
			})
		}
	}
}
