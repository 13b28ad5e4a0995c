package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coatcheck/bench/stage"
	"coatcheck/bench/wire"
)

// subject is a proxy that can be measured.
type subject struct {
	name  string
	says  string // in the report
	start func(ctx context.Context, l *lab) (*running, error)
}

// running is a subject that was started.
type running struct {
	subject
	process *stage.Process
	addr    string
	cookies []string // of sessions; none: the proxy knows none
	tls     bool     // HTTP/2 over TLS
	server  *stage.Server
	site    *stage.Site
	login   string // the cookie of a login
}

// askUpstream has nginx ask another server, as one that knows sessions would be.
const askUpstream = "proxy_pass http://app/verify;"

// subjects are all of them, in the order of the report.
func subjects() []subject {
	list := []subject{
		nginx("nginx", "nginx, plain", "", false),
		nginx("nginx-auth", "nginx, auth_request to a trivial answer", askUpstream, false),
		nginx("nginx-auth-inner", "nginx, auth_request answered by nginx itself", "return 204;", false),
		haproxy(),
		caddy("caddy", "Caddy, plain", "", false),
		caddy("caddy-auth", "Caddy, forward_auth to another server", "forward_auth", false),
		bare("bare", "Go's httputil.ReverseProxy with a buffer pool, no login", false, "yes"),
		bare("bare-nopool", "the same as it comes, a new buffer for each answer", false, "no"),
		apache(),
	}
	for _, e := range stage.Engines() {
		list = append(list, coatcheck(e, false))
	}
	db, _ := stage.EngineNamed("db-sqlite")
	return append(list, public(),
		nginx("nginx-h2", "nginx, plain", "", true), nginx("nginx-auth-h2", "nginx, auth_request to a trivial answer", askUpstream, true),
		caddy("caddy-h2", "Caddy, plain", "", true), bare("bare-h2", "Go's httputil.ReverseProxy with a buffer pool, no login", true, "yes"), coatcheck(db, true))
}

// chosen are those of the names, which may end in *.
func chosen(only string) ([]subject, error) {
	all := subjects()
	if only == "" {
		return all, nil
	}
	var list []subject
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(s subject) bool { return matches(s.name, name) })
		if i < 0 {
			return nil, fmt.Errorf("no subject %s; there are: %s", name, names(all))
		}
		for _, s := range all {
			if matches(s.name, name) {
				list = append(list, s)
			}
		}
	}
	return list, nil
}

func matches(name, pattern string) bool {
	if begin, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, begin)
	}
	return name == pattern
}

func names(list []subject) string {
	var all []string
	for _, s := range list {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

// absent says why a subject is not measured.
type absent struct{ name, reason string }

// startAll starts the subjects; what is not installed is told, not left out.
func startAll(ctx context.Context, l *lab, list []subject) (all []*running, missing []absent, err error) {
	for _, s := range list {
		say("start %s", s.name)
		r, err := s.start(ctx, l)
		switch {
		case errors.Is(err, stage.ErrMissing):
			say("%s is missing: %v", s.name, err)
			missing = append(missing, absent{s.name, err.Error()})
		case err != nil:
			return all, missing, fmt.Errorf("%s: %w", s.name, err)
		default:
			r.subject = s
			all = append(all, r)
		}
	}
	return all, missing, nil
}

// load sends so many requests, 0: as many as there is time for, for at most d, and holds every answer to 200.
func (r *running) load(requests [][]byte, total int, d time.Duration) (wire.Result, error) {
	var result wire.Result
	var err error
	if r.tls {
		result, err = loadH2(r.addr, r.cookies, d)
	} else {
		result, err = wire.Load{Addr: r.addr, Conns: conns, Requests: requests, Total: total}.Run(d)
	}
	if err != nil {
		return result, fmt.Errorf("load %s: %w", r.name, err)
	}
	if result.Others > 0 || result.Answers == 0 {
		return result, fmt.Errorf("load %s: %d answers with status 200, %d with another, such as %q", r.name, result.Answers, result.Others, result.Other)
	}
	return result, nil
}

// requests are what a browser sends with each of the cookies.
func requests(host string, paths, cookies []string) [][]byte {
	if len(cookies) == 0 {
		cookies = []string{"none"}
	}
	var all [][]byte
	for i := range max(len(cookies), len(paths)) {
		all = append(all, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nCookie: %s=%s\r\n\r\n",
			paths[i%len(paths)], host, userAgent, stage.CookieName, cookies[i%len(cookies)]))
	}
	return all
}

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// packages are the distribution's packages of programs that have another name.
var packages = map[string]string{"nginx": "nginx-light"}

func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if sbin := filepath.Join("/usr/sbin", program); executable(sbin) {
		return sbin, nil
	}
	name := program
	if other, ok := packages[program]; ok {
		name = other
	}
	return "", fmt.Errorf("%w: %s is not installed; apt-get install %s", stage.ErrMissing, program, name)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}
