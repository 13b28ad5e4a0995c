package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// settings are what the configurations of the tests differ in.
type settings struct {
	engine    engine
	database  string // database.url
	cache     string // cache.url
	files     string // session.file_path
	secret    string
	fallbacks []string
	session   []string // further lines of the section session
	extra     string   // further text at the top level: routes, identity
}

// yaml writes the configuration. Quoted strings of Go are quoted strings of YAML here.
func (s settings) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "secret_key: %q\ndatabase: {url: %q}\n", s.secret, s.database)
	if len(s.fallbacks) > 0 {
		fmt.Fprintf(&b, "secret_key_fallbacks: [%q]\n", s.fallbacks[0])
	}
	if s.cache != "" {
		fmt.Fprintf(&b, "cache: {url: %q}\n", s.cache)
	}
	if s.engine.hash != "" {
		fmt.Fprintf(&b, "users: {password_formats: [%s, pbkdf2_sha256]}\n", s.engine.hash)
	}
	fmt.Fprintf(&b, "session:\n  engine: %s\n", s.engine.session)
	if s.files != "" {
		fmt.Fprintf(&b, "  file_path: %q\n", s.files)
	}
	for _, line := range s.session {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	return b.String() + s.extra
}

// newSettings are for a store of the test's own, which no Django shares.
func newSettings(t testing.TB, e engine) settings {
	t.Helper()
	dir := t.TempDir()
	s := settings{engine: e, secret: "a secret that two processes share", database: "sqlite:" + dir + "/shared.sqlite3"}
	if e.database != nil {
		s.database = e.database(t)
	}
	if e.cache != nil {
		s.cache = e.cache(t)
	}
	if e.session == "file" {
		s.files = dir
	}
	return s
}

// addUser makes a user by the command, with the process's configuration.
func (p *process) addUser(name string, groups ...string) {
	p.t.Helper()
	args := []string{"user", "add", name, "--password-stdin", "--config", filepath.Join(p.dir, "config.yaml")}
	for _, group := range groups {
		args = append(args, "--group", group)
	}
	out, err := p.run(userPassword+"\n", args...)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
}
