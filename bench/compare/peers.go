package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"coatcheck/bench/stage"
)

// idleConns is how many connections to the upstream a proxy may keep: enough for the request and for the question that goes before it.
const idleConns = 4 * conns

// peer is a proxy of somebody else's.
type peer struct {
	program string
	config  func(l *lab, dir, addr string) string // file of configuration
	args    func(dir, file string) []string
	tls     bool
}

func (p peer) start(ctx context.Context, l *lab) (*running, error) {
	path, err := find(p.program)
	if err != nil {
		return nil, err
	}
	dir, err := l.folder(p.program)
	if err != nil {
		return nil, err
	}
	addr, err := stage.FreeAddr()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, p.program+".conf")
	if err := os.WriteFile(file, []byte(p.config(l, dir, addr)), 0o644); err != nil {
		return nil, err
	}
	process, err := l.launch(ctx, stage.Command{Path: path, Args: p.args(dir, file), Dir: dir, Core: l.core, Log: "log", Env: []string{"HOME=" + dir}, Ready: stage.Accepts(addr)})
	return &running{process: process, addr: addr, tls: p.tls}, err
}

// nginx is one process; auth is what answers the question, if one is asked.
func nginx(name, says, auth string, tls bool) subject {
	return subject{name, says, peer{program: "nginx", tls: tls,
		args: func(dir, file string) []string { return []string{"-p", dir, "-c", file, "-e", "stderr"} },
		config: func(l *lab, dir, addr string) string {
			ask, place, listen := "", "", addr
			if auth != "" {
				ask, place = "auth_request /auth;", "location = /auth { internal; "+auth+" }\n"
			}
			if tls {
				listen += fmt.Sprintf(" ssl http2; ssl_certificate %s; ssl_certificate_key %s", l.cert, l.key)
			}
			return fmt.Sprintf("daemon off;\nmaster_process off;\nworker_processes 1;\npid %[1]s/pid;\nevents { worker_connections 1024; }\nhttp {\naccess_log off;\n"+
				"keepalive_requests 100000000;\nclient_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\nfastcgi_temp_path %[1]s/fastcgi;\nuwsgi_temp_path %[1]s/uwsgi;\nscgi_temp_path %[1]s/scgi;\n"+
				"upstream app { server %[2]s; keepalive %[3]d; keepalive_requests 100000000; }\nserver {\nlisten %[4]s;\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n"+
				"proxy_set_header Host $host;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\nproxy_set_header X-Forwarded-Proto $scheme;\n"+
				"location / { %[5]s proxy_pass http://app; }\n%[6]s}\n}\n", dir, l.upstream, idleConns, listen, ask, place)
		}}.start}
}

func haproxy() subject {
	return subject{"haproxy", "HAProxy, plain", peer{program: "haproxy", args: func(_, file string) []string { return []string{"-f", file} },
		config: func(l *lab, _, addr string) string {
			return fmt.Sprintf("global\n\tnbthread 1\n\tmaxconn 1000\ndefaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 60s\n\ttimeout server 60s\n\thttp-reuse always\n\toption forwardfor\n"+
				"frontend in\n\tbind %s\n\tdefault_backend app\nbackend app\n\tserver app %s\n", addr, l.upstream)
		}}.start}
}

// caddy asks the upstream first when auth is forward_auth.
func caddy(name, says, auth string, tls bool) subject {
	return subject{name, says, peer{program: "caddy", tls: tls,
		args: func(_, file string) []string { return []string{"run", "--adapter", "caddyfile", "--config", file} },
		config: func(l *lab, _, addr string) string {
			port := addr[strings.LastIndexByte(addr, ':'):]
			site, body := "http://"+port, ""
			if tls {
				site, body = "https://localhost"+port+", https://127.0.0.1"+port, fmt.Sprintf("\ttls %s %s\n", l.cert, l.key)
			}
			if auth != "" {
				body += fmt.Sprintf("\tforward_auth %s {\n\t\turi /verify\n\t\tcopy_headers Remote-User\n\t\ttransport http {\n\t\t\tkeepalive_idle_conns_per_host %d\n\t\t}\n\t}\n", l.upstream, idleConns)
			}
			return fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\n%s {\n%s\treverse_proxy %s {\n\t\ttransport http {\n\t\t\tkeepalive_idle_conns_per_host %d\n\t\t}\n\t}\n}\n", site, body, l.upstream, idleConns)
		}}.start}
}

func bare(name, says string, tls bool, pool string) subject {
	return subject{name, says, func(ctx context.Context, l *lab) (*running, error) {
		addr, err := stage.FreeAddr()
		if err != nil {
			return nil, err
		}
		args := []string{addr, "http://" + l.upstream}
		if tls {
			args = append(args, l.cert, l.key)
		}
		process, err := l.launch(ctx, stage.Command{Path: l.bareproxy, Args: args, Dir: l.dir, Core: l.core, Log: name + ".log", Env: []string{"BAREPROXY_POOL=" + pool}, Ready: stage.Accepts(addr)})
		return &running{process: process, addr: addr, tls: tls}, err
	}}
}

// apacheUser has the password "secret", by crypt's apr1, the default of htpasswd.
const apacheUser = "alice:$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/\n"

// apacheModules are Debian's names; the first ones are built in elsewhere.
var apacheModules = []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_form", "request", "session", "session_cookie", "session_crypto", "proxy", "proxy_http"}

const apacheFolder = "/usr/lib/apache2/modules"

// apache keeps user and password in an encrypted cookie, and checks the password with each request.
func apache() subject {
	p := peer{program: "apache2", args: func(dir, file string) []string { return []string{"-d", dir, "-f", file, "-DFOREGROUND"} }, config: apacheConfig}
	return subject{"apache", "Apache, mod_auth_form and mod_session_crypto", func(ctx context.Context, l *lab) (*running, error) {
		for _, module := range apacheModules {
			if _, err := os.Stat(filepath.Join(apacheFolder, "mod_"+module+".so")); err != nil {
				return nil, fmt.Errorf("%w: Apache's module %s", stage.ErrMissing, module)
			}
		}
		r, err := p.start(ctx, l)
		if err != nil {
			return nil, err
		}
		r.cookies, err = apacheLogin(ctx, r.addr)
		return r, err
	}}
}

func apacheConfig(l *lab, dir, addr string) string {
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte(apacheUser), 0o644); err != nil {
		l.env.Fatal(err)
	}
	var load strings.Builder
	for _, module := range apacheModules {
		fmt.Fprintf(&load, "LoadModule %s_module %s/mod_%s.so\n", module, apacheFolder, module)
	}
	return fmt.Sprintf("ServerName localhost\nPidFile %[1]s/pid\nErrorLog %[1]s/error.log\nListen %[2]s\n%[3]sUser nobody\nGroup nogroup\nStartServers 1\nServerLimit 2\nThreadsPerChild 64\nMaxRequestWorkers 128\n"+
		"KeepAlive On\nMaxKeepAliveRequests 0\nProxyPass /dologin !\nProxyPass / http://%[4]s/\n"+
		"<Location />\nAuthType form\nAuthName app\nAuthFormProvider file\nAuthUserFile %[5]s\nRequire valid-user\nSession On\nSessionCookieName "+stage.CookieName+" path=/\n"+
		"SessionCryptoPassphrase benchbenchbench\n</Location>\n<Location /dologin>\nSetHandler form-login-handler\nAuthFormLoginSuccessLocation /\n</Location>\n",
		dir, addr, load.String(), l.upstream, users)
}

func apacheLogin(ctx context.Context, addr string) ([]string, error) {
	form := url.Values{"httpd_username": {"alice"}, "httpd_password": {"secret"}}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := stage.Post(ctx, client, "http://"+addr+"/dologin", "", form)
	if err != nil {
		return nil, fmt.Errorf("log in at Apache: %w", err)
	}
	for _, c := range res.Cookies() {
		if c.Name == stage.CookieName {
			return []string{c.Value}, nil
		}
	}
	return nil, fmt.Errorf("log in at Apache: no cookie in the answer %s", res.Status)
}
