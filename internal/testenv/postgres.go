package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// Postgres gives the URL of an empty database at a PostgreSQL server that the tests of this process share.
func Postgres(t testing.TB) string {
	t.Helper()
	need(t, "postgresql", "postgres")
	server, err := sharedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	return server.database(t)
}

// sharedPostgres is package state for the sake of one start per test process (about 0.7 s).
var sharedPostgres = sync.OnceValues(func() (*sharedServer, error) {
	cluster, err := newPostgres()
	if err != nil {
		return nil, err
	}
	proc, err := launchAnywhere(cluster.program)
	if err != nil {
		return nil, err
	}
	return &sharedServer{sqlServer: cluster.sqlServer(), proc: proc, drop: " WITH (FORCE)"}, nil
})

// PostgresServer starts a PostgreSQL server that the test may stop.
func PostgresServer(t testing.TB) *DatabaseServer {
	t.Helper()
	need(t, "postgresql", "postgres")
	cluster, err := newPostgres()
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, cluster.program)
	return &DatabaseServer{Server: server, URL: cluster.sqlServer().url("postgres")}
}

// postgres is a PostgreSQL cluster: a data folder and the port it was last started at.
type postgres struct {
	bin      string // folder of the server's programs
	folder   string
	account  account
	password string
	port     int
}

func newPostgres() (*postgres, error) {
	path, err := find("postgres")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("postgres")
	if err != nil {
		return nil, err
	}
	folder, err := newFolder(as)
	if err != nil {
		return nil, err
	}
	p := &postgres{bin: filepath.Dir(path), folder: folder, account: as, password: newPassword()}
	if err := p.init(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return p, nil
}

func (p *postgres) init() error {
	passwordFile := filepath.Join(p.folder, "password")
	if err := os.WriteFile(passwordFile, []byte(p.password), 0o644); err != nil { // the folder is closed to others
		return fmt.Errorf("write password of PostgreSQL: %w", err)
	}
	_, err := run(program{name: "initdb", path: filepath.Join(p.bin, "initdb"), folder: p.folder, account: p.account, args: []string{
		"--pgdata=data", "--no-sync", "--no-locale", "--encoding=UTF8", "--username=" + login, "--auth=scram-sha-256", "--pwfile=" + passwordFile}})
	return err
}

// program trades safety against a power cut for speed; what was committed outlives the end of the server (synchronous_commit).
func (p *postgres) program(port int) (program, error) {
	p.port = port
	args := []string{"-D", "data"}
	for _, setting := range []string{"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + p.folder,
		"fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200",
		"dynamic_shared_memory_type=mmap"} {
		args = append(args, "-c", setting)
	}
	return program{name: "postgres", path: filepath.Join(p.bin, "postgres"), args: args, folder: p.folder, account: p.account,
		polite: syscall.SIGINT, abrupt: syscall.SIGQUIT, probe: func() error { return p.query("SELECT 1") }}, nil
}

func (p *postgres) query(statement string) error {
	_, err := run(program{name: "psql", path: filepath.Join(p.bin, "psql"), folder: p.folder, account: p.account, env: []string{"PGPASSWORD=" + p.password},
		args: []string{"--no-psqlrc", "--quiet", "--host=127.0.0.1", "--port=" + strconv.Itoa(p.port), "--username=" + login,
			"--dbname=postgres", "--command=" + statement}})
	return err
}

func (p *postgres) sqlServer() sqlServer {
	return sqlServer{scheme: "postgres", options: "sslmode=disable", addr: address(p.port), password: p.password, run: p.query}
}
