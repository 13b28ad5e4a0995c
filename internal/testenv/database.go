package testenv

import (
	"net/url"
	"strings"
	"testing"
)

const login = "coatcheck" // the user name at every server that has users

// DatabaseServer is a database server of one test, with one empty database.
type DatabaseServer struct {
	*Server
	URL string // postgres://… or mysql://…, as database.url
}

// sqlServer is what PostgreSQL and MariaDB have in common.
type sqlServer struct {
	scheme, options string
	addr, password  string
	run             func(statement string) error // as the server's superuser
}

func (s sqlServer) url(database string) string {
	u := url.URL{Scheme: s.scheme, User: url.UserPassword(login, s.password), Host: s.addr, Path: "/" + database, RawQuery: s.options}
	return u.String()
}

// sharedServer is one that all tests of the process use, each with a database of its own.
type sharedServer struct {
	sqlServer
	proc *process // kept reachable: the end of its pipe would end the server
	drop string   // the statement but for the name
}

// database makes an empty database that lasts as long as the test.
func (s *sharedServer) database(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(newPassword())
	if err := s.run("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.run("DROP DATABASE " + name + s.drop); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", s.proc.name, tail(s.proc.logPath()))
		}
	})
	return s.url(name)
}
