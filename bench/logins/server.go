package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coatcheck/internal/sqlconn"
)

const password = "correct horse battery"

func build(dir string) (string, error) {
	binary := filepath.Join(dir, "coatcheck")
	out, err := exec.Command("go", "build", "-o", binary, "coatcheck").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
}

// server is a running proxy in front of an application that answers at once.
type server struct {
	cmd    *exec.Cmd
	app    *httptest.Server
	dir    string
	url    string
	client *http.Client
}

// start runs the proxy with one user, alice, whose password is of the format.
func start(binary, format string, attempts int) (*server, error) {
	dir, err := os.MkdirTemp(filepath.Dir(binary), "run-")
	if err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, url: "http://" + listen, app: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+r.Header.Get("Remote-User"))
	}))}
	env := append(os.Environ(), "COATCHECK_LISTEN="+listen, "COATCHECK_ADMIN_LISTEN=", "COATCHECK_LOG_LEVEL=error", "COATCHECK_UPSTREAM="+s.app.URL,
		"COATCHECK_USERS_PASSWORD_FORMATS="+format+",pbkdf2_sha256,pbkdf2_sha1,md5,bcrypt", "COATCHECK_USERS_UPGRADE_PASSWORDS=false",
		"COATCHECK_LOGIN_MAX_ATTEMPTS="+strconv.Itoa(attempts))
	add := exec.Command(binary, "user", "add", "alice", "--password-stdin")
	add.Dir, add.Env, add.Stdin = dir, env, strings.NewReader(password)
	if out, err := add.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("user add: %w\n%s", err, out)
	}
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = dir, env, os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, s.await()
}

func (s *server) await() error {
	for range 500 {
		if res, err := s.client.Get(s.url + "/.auth/login"); err == nil {
			res.Body.Close()
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("no answer at %s", s.url)
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
	s.app.Close()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// inDatabase works on the users behind the proxy's back.
func (s *server) inDatabase(act func(db *sql.DB) error) error {
	db, err := sqlconn.Open("sqlite:"+filepath.Join(s.dir, "coatcheck-data", "coatcheck.sqlite3"), sqlconn.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	return act(db.DB)
}

// clone makes another user with alice's columns, but for those set.
func (s *server) clone(name, set string, args ...any) error {
	return s.inDatabase(func(db *sql.DB) error {
		_, err := db.Exec("INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined) "+
			"SELECT ?, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined FROM auth_user WHERE username = 'alice'", name)
		if err == nil && set != "" {
			_, err = db.Exec("UPDATE auth_user SET "+set+" WHERE username = ?", append(args, name)...)
		}
		return err
	})
}

// login posts the form and returns the answer, whose body was read.
func (s *server) login(ctx context.Context, name, secret string) (*http.Response, time.Duration, error) {
	form := url.Values{"username": {name}, "password": {secret}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/.auth/login", strings.NewReader(form))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(s.client, req)
}

func (s *server) do(client *http.Client, req *http.Request) (*http.Response, time.Duration, error) {
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, time.Since(began), err
}

// signedIn is a client with a session of alice's.
func (s *server) signedIn() (*http.Client, error) {
	res, _, err := s.login(context.Background(), "alice", password)
	if err != nil || res.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("login: %v, %w", res, err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	jar.SetCookies(res.Request.URL, res.Cookies())
	return &http.Client{Jar: jar, Transport: s.client.Transport, CheckRedirect: s.client.CheckRedirect}, nil
}

// memory is what the process has in memory now, and had at most, in bytes.
func (s *server) memory() (now, most int64) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			switch fields[0] {
			case "VmRSS:":
				now = kilobytes << 10
			case "VmHWM:":
				most = kilobytes << 10
			}
		}
	}
	return now, most
}

// cpu is the time that the process has run on a core. Unlike the clock on the wall, it hardly depends on what else the machine does.
func (s *server) cpu() (total time.Duration) {
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/task/*/schedstat")
	if err != nil {
		return 0
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		nanoseconds, _ := strconv.ParseInt(first, 10, 64)
		total += time.Duration(nanoseconds)
	}
	return total
}
