package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// User is who logs in.
const (
	User     = "alice"
	Password = "a password of benchmarks"
)

// CookieName is the default of session.cookie_name.
const CookieName = "sessionid"

const secretKey = "bench bench bench bench bench bench bench bench bench"

// Site is a configuration with its stores, for any number of processes.
type Site struct {
	Engine   Engine
	Dir      string
	DB       *sqlconn.DB          // beside the processes: sessions, users
	Redis    *testenv.RedisServer // nil: the engine has none
	CacheURL string

	binary, config string
}

// Release builds a program as scripts/build does. Otherwise a build shares what other builds of this machine have compiled.
const Release = true

// Build builds one of our programs into dir; "coatcheck" is the proxy itself.
func Build(ctx context.Context, dir, pkg string, release bool) (string, error) {
	file := filepath.Join(dir, filepath.Base(pkg))
	c := exec.CommandContext(ctx, "go", "build", "-o", file, pkg)
	if release {
		c = exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}

// NewSite starts an engine's servers and makes the user. settings is further YAML, such as routes.
func NewSite(ctx context.Context, env testing.TB, binary, dir string, engine Engine, settings string) (*Site, error) {
	servers, err := engine.start(env, dir)
	if err != nil {
		return nil, fmt.Errorf("start servers of %s: %w", engine.Name, err)
	}
	s := &Site{Engine: engine, Dir: dir, Redis: servers.redis, CacheURL: servers.cache, binary: binary, config: filepath.Join(dir, "config.yaml")}
	if err := os.WriteFile(s.config, []byte(s.settings(servers)+settings), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := s.AddUser(ctx, User); err != nil {
		return nil, err
	}
	if s.DB, err = sqlconn.Open(servers.database, sqlconn.Options{}); err != nil {
		return nil, err
	}
	env.Cleanup(func() { s.DB.Close() })
	return s, nil
}

// settings: access records cost, and peers write none. Of the password formats scrypt costs the least.
func (s *Site) settings(servers servers) string {
	text := fmt.Sprintf("secret_key: %s\ndatabase: {url: %q}\nlog: {level: error}\nusers: {password_formats: [scrypt]}\nlogin: {max_attempts: 0}\n"+
		"session:\n  engine: %s\n", secretKey, servers.database, s.Engine.Session)
	if s.Engine.Session == "file" {
		text += fmt.Sprintf("  file_path: %q\n", s.Dir)
	}
	if servers.cache != "" {
		text += fmt.Sprintf("cache: {url: %q}\n", servers.cache)
	}
	return text
}

// AddUser makes a user who has [Password].
func (s *Site) AddUser(ctx context.Context, name string) error {
	c := exec.CommandContext(ctx, s.binary, "user", "add", name, "--password-stdin", "--config", s.config)
	c.Dir, c.Env, c.Stdin = s.Dir, Environ(), strings.NewReader(Password+"\n")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("add user: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Server is a running coatcheck.
type Server struct {
	*Process
	Addr, Admin string // host:port
}

// Start runs a process of the site on one core and returns when it answers; below zero: on any.
func (s *Site) Start(ctx context.Context, core int, environ ...string) (*Server, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	p, err := Start(ctx, Command{Path: s.binary, Args: []string{"serve", "--config", s.config}, Dir: s.Dir, Core: core, Log: "coatcheck.log",
		Env:   append([]string{"COATCHECK_LISTEN=" + addr, "COATCHECK_ADMIN_LISTEN=" + admin}, environ...),
		Ready: func(ctx context.Context) bool { return status(ctx, "http://"+admin+"/readyz") == http.StatusOK }})
	if err != nil {
		return nil, err
	}
	return &Server{Process: p, Addr: addr, Admin: admin}, nil
}

// status is 0 when there is no answer.
func status(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// errNoCookie is a login that was answered, but not as a success.
var errNoCookie = errors.New("no session cookie")

// Login logs a user in at base, such as http://127.0.0.1:8080, and returns the value of the session cookie.
func Login(ctx context.Context, client *http.Client, base, user string) (string, error) {
	form := url.Values{"username": {user}, "password": {Password}}
	res, err := Post(ctx, client, base+"/.auth/login", "", form)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	for _, c := range res.Cookies() {
		if c.Name == CookieName && c.Value != "" {
			return c.Value, nil
		}
	}
	return "", fmt.Errorf("log in: %w: %s", errNoCookie, res.Status)
}

// Post sends a form as a page of the same origin does. The answer's body was read.
func Post(ctx context.Context, client *http.Client, target, cookie string, form url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{"Accept": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"},
		"Origin": {req.URL.Scheme + "://" + req.URL.Host}, "Content-Type": {"application/x-www-form-urlencoded"}}
	if cookie != "" {
		req.Header.Set("Cookie", CookieName+"="+cookie)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}
