package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// MariaDB gives the URL of an empty database at a MariaDB server that the tests of this process share.
func MariaDB(t testing.TB) string {
	t.Helper()
	need(t, "mariadb-server", "mariadbd")
	server, err := sharedMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	return server.database(t)
}

// sharedMariaDB is package state for the sake of one start per test process (about 1 s).
var sharedMariaDB = sync.OnceValues(func() (*sharedServer, error) {
	m, err := newMariaDB()
	if err != nil {
		return nil, err
	}
	proc, err := launchAnywhere(m.program)
	if err != nil {
		return nil, err
	}
	return &sharedServer{sqlServer: m.sqlServer(), proc: proc}, m.grant()
})

// MariaDBServer starts a MariaDB server that the test may stop.
func MariaDBServer(t testing.TB) *DatabaseServer {
	t.Helper()
	need(t, "mariadb-server", "mariadbd")
	m, err := newMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, m.program)
	if err := m.grant(); err != nil {
		t.Fatal(err)
	}
	if err := m.query("CREATE DATABASE test"); err != nil {
		t.Fatal(err)
	}
	return &DatabaseServer{Server: server, URL: m.sqlServer().url("test")}
}

// mariaDB is a MariaDB data folder and the port it was last started at.
type mariaDB struct {
	server, client string // paths of the programs
	folder         string
	account        account
	password       string
	port           int
}

func newMariaDB() (*mariaDB, error) {
	paths := make([]string, 3)
	for i, name := range []string{"mariadbd", "mariadb", "mariadb-install-db"} {
		path, err := find(name)
		if err != nil {
			return nil, err
		}
		paths[i] = path
	}
	as, err := unprivileged("mysql")
	if err != nil {
		return nil, err
	}
	folder, err := newFolder(as)
	if err != nil {
		return nil, err
	}
	m := &mariaDB{server: paths[0], client: paths[1], folder: folder, account: as, password: newPassword()}
	if err := m.init(paths[2]); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return m, nil
}

func (m *mariaDB) init(installer string) error {
	_, err := run(program{name: "mariadb-install-db", path: installer, folder: m.folder, account: m.account, args: append(m.storage(),
		"--auth-root-authentication-method=normal", "--skip-test-db")})
	return err
}

// storage is what the installer and the server must agree upon; nothing waits for the
// disk, yet what was committed outlives the end of the server.
func (m *mariaDB) storage() []string {
	return []string{"--no-defaults", "--datadir=" + filepath.Join(m.folder, "data"), "--innodb-log-file-size=8M", "--innodb-flush-method=nosync"}
}

func (m *mariaDB) socket() string { return filepath.Join(m.folder, "socket") }

func (m *mariaDB) program(port int) (program, error) {
	m.port = port
	return program{name: "mariadbd", path: m.server, folder: m.folder, account: m.account, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL,
		probe: func() error { return m.query("SELECT 1") },
		args: append(m.storage(), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--socket="+m.socket(),
			"--pid-file="+filepath.Join(m.folder, "pid"), "--tmpdir="+m.folder, "--skip-name-resolve", "--skip-log-bin",
			"--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M", "--innodb-fast-shutdown=2",
			"--character-set-server=utf8mb4")}, nil
}

// query runs as the server's root, who can come by the socket in our folder only.
func (m *mariaDB) query(statement string) error {
	_, err := run(program{name: "mariadb", path: m.client, folder: m.folder, account: m.account,
		args: []string{"--no-defaults", "--socket=" + m.socket(), "--user=root", "--execute=" + statement}})
	return err
}

func (m *mariaDB) grant() error {
	return m.query("GRANT ALL ON *.* TO " + login + "@'127.0.0.1' IDENTIFIED BY '" + m.password + "' WITH GRANT OPTION")
}

func (m *mariaDB) sqlServer() sqlServer {
	return sqlServer{scheme: "mysql", addr: address(m.port), password: m.password, run: m.query}
}
