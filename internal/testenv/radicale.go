package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// RadicaleOptions are settings of Radicale; the zero value believes the header X-Remote-User and lets each user see the
// own collections only.
type RadicaleOptions struct {
	AuthType string // of its section [auth]; default http_x_remote_user
	Rights   string // type of its section [rights]; default owner_only
}

// RadicaleSite is Radicale, a CalDAV and CardDAV server that has never heard of us.
type RadicaleSite struct {
	*Server
	URL string // http://host:port
}

// Radicale starts Radicale with an empty storage.
func Radicale(t testing.TB, options RadicaleOptions) *RadicaleSite {
	t.Helper()
	needPython(t, map[string]string{"radicale": "radicale"})
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(port int) (program, error) {
		config := filepath.Join(folder, "config")
		if err := os.WriteFile(config, []byte(options.config(folder, port)), 0o600); err != nil {
			return program{}, fmt.Errorf("write configuration of Radicale: %w", err)
		}
		return program{name: "radicale", path: python, folder: folder, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL,
			args:  []string{"-m", "radicale", "--config", config},
			probe: func() error { return probeHTTP("http://" + address(port) + "/.web/") }}, nil
	})
	return &RadicaleSite{Server: server, URL: "http://" + server.Addr}
}

func (o RadicaleOptions) config(folder string, port int) string {
	if o.AuthType == "" {
		o.AuthType = "http_x_remote_user"
	}
	if o.Rights == "" {
		o.Rights = "owner_only"
	}
	return fmt.Sprintf("[server]\nhosts = %s\n[auth]\ntype = %s\n[rights]\ntype = %s\n[storage]\nfilesystem_folder = %s\n",
		address(port), o.AuthType, o.Rights, filepath.Join(folder, "collections"))
}
