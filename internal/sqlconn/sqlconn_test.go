package sqlconn

import (
	"os"
	"strings"
	"testing"
)

func TestOpenSaysWhatToDo(t *testing.T) {
	const secret = "s3cret/pass"
	tests := map[string]string{ // URL: part of the error
		"":                                     "no scheme",
		"app.sqlite3":                          "sqlite:PATH",
		"oracle://u:s3cret@h/n":                "unknown scheme",
		"sqlite:":                              "needs a file",
		"sqlite::memory:":                      "needs a file",
		"sqlite://data/app.sqlite3":            "two slashes",
		"sqlite:a\x00b":                        "NUL",
		"sqlite:/nowhere/at/all.db":            "folder must exist",
		"postgres://u:" + secret + "@h:port/n": "cannot be read",
		"postgres:u:s3cret@h/n":                "lacks its slashes",
		"postgres://u:s3cret@h/n?sslmode=perhaps":          "sslmode",
		"postgres://h/n?password=s3cret&connect_timeout=x": "connect_timeout",
		"mysql://u:" + secret + "@h:port/n":                "cannot be read",
		"mysql://u:s3cret@h":                               "names no database",
		"mysql://u:s3cret@h/n?maxAllowedPacket=much":       "much",
		"mysql://u:s3cret@h/n?tls=own":                     "",
	}
	for url, want := range tests {
		t.Run(strings.ReplaceAll(url, "/", "|"), func(t *testing.T) {
			_, err := Open(url, Options{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("Open(%q) = %v, want an error that says %q", url, err, want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestOpenNeedsNoServer(t *testing.T) {
	for _, url := range []string{"postgres://u:p@127.0.0.1:1/n", "mysql://u:p@127.0.0.1:1/n", "postgres:///n?host=/nowhere", "mysql:///n?socket=/nowhere"} {
		db, err := Open(url, Options{})
		if err != nil {
			t.Errorf("Open(%q) = %v, want a database that connects later", url, err)
			continue
		}
		if err := db.PingContext(t.Context()); err == nil || strings.Contains(err.Error(), ":p@") {
			t.Errorf("%s: ping = %v, want an error without the password", url, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestIdentifiers_1_2_4(t *testing.T) {
	tests := map[string]struct {
		valid        bool
		quoted, back string
	}{
		"auth_user":          {true, `"auth_user"`, "`auth_user`"},
		"app.Users$":         {true, `"app"."Users$"`, "`app`.`Users$`"},
		`a"; DROP TABLE x;-`: {false, `"a""; DROP TABLE x;-"`, "`a\"; DROP TABLE x;-`"},
		"a`b":                {false, "\"a`b\"", "`a``b`"},
		"":                   {false, `""`, "``"},
		"1a":                 {false, `"1a"`, "`1a`"},
		"a.":                 {false, `"a".""`, "`a`.``"},
		"naïve":              {false, `"naïve"`, "`naïve`"},
		"a\x00b":             {false, `"ab"`, "`ab`"},
	}
	for ident, want := range tests {
		if err := CheckIdent(ident); (err == nil) != want.valid {
			t.Errorf("CheckIdent(%q) = %v, want valid: %v", ident, err, want.valid)
		}
		if lite, pg, my := SQLite.Quote(ident), Postgres.Quote(ident), MySQL.Quote(ident); lite != want.quoted || pg != lite || my != want.back {
			t.Errorf("Quote(%q) = %s, %s, %s, want %s and %s", ident, lite, pg, my, want.quoted, want.back)
		}
	}
	if err := CheckIdent(strings.Repeat("a", 64)); err == nil {
		t.Error("a name of 64 characters is too long for PostgreSQL")
	}
}

func TestDialects(t *testing.T) {
	if got := Postgres.Placeholder(2) + SQLite.Placeholder(2) + MySQL.Placeholder(2); got != "$2??" {
		t.Errorf("placeholders %s, want $2??", got)
	}
	if got := Postgres.Bool(true) + SQLite.Bool(true) + MySQL.Bool(false); got != "true10" {
		t.Errorf("booleans %s, want true10", got)
	}
	if got := SQLite.String() + Postgres.String() + MySQL.String() + Dialect(7).String(); got != "sqlitepostgresmysqldialect 7" {
		t.Errorf("names %s", got)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
