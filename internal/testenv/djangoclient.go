package testenv

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Whoami is the answer of the page /whoami.
type Whoami struct {
	User          string            `json:"user"`
	Authenticated bool              `json:"authenticated"`
	SessionKey    string            `json:"session_key"`
	Session       map[string]any    `json:"session"`
	Headers       map[string]string `json:"headers"` // WSGI's names: HTTP_REMOTE_USER
	Method        string            `json:"method"`
	Path          string            `json:"path"`
	Scheme        string            `json:"scheme"`
	Host          string            `json:"host"`
	RemoteAddr    string            `json:"remote_addr"`
	Body          string            `json:"body"`
}

var csrfField = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// Manage runs manage.py with the arguments and gives its output.
func (s *DjangoSite) Manage(args ...string) string {
	s.t.Helper()
	return s.manage(nil, args...)
}

// Shell runs a Python program within the project and gives its output.
func (s *DjangoSite) Shell(code string) string {
	s.t.Helper()
	return s.manage(nil, "shell", "--command", code)
}

// CreateSuperuser is manage.py createsuperuser.
func (s *DjangoSite) CreateSuperuser(name, password string) {
	s.t.Helper()
	s.manage([]string{"DJANGO_SUPERUSER_PASSWORD=" + password}, "createsuperuser", "--noinput", "--username", name, "--email", name+"@example.com")
}

func (s *DjangoSite) manage(env []string, args ...string) string {
	s.t.Helper()
	out, err := run(program{name: "manage.py " + args[0], path: python, folder: s.Folder, env: env, args: append([]string{"manage.py"}, args...)})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// CreateUser makes an ordinary user, much faster than Manage can.
func (s *DjangoSite) CreateUser(name, password string, groups ...string) {
	s.t.Helper()
	form := url.Values{"password": {password}, "email": {name + "@example.com"}, "group": groups}
	s.Post(s.Client(), "/create-user/"+url.PathEscape(name), form)
}

// Client makes a client with a cookie jar that follows no redirect and keeps no connection. Cookies know no ports, so it
// can take a session from the site to a proxy at 127.0.0.1 and back.
func (s *DjangoSite) Client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: startDeadline, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Login logs a user in by the site's form and gives the client that is logged in.
func (s *DjangoSite) Login(name, password string) *http.Client {
	s.t.Helper()
	client := s.Client()
	token := csrfField.FindStringSubmatch(s.Get(client, "/login"))
	if token == nil {
		s.t.Fatal("the login page has no CSRF token")
	}
	form := url.Values{"username": {name}, "password": {password}, "csrfmiddlewaretoken": {token[1]}}
	res, err := client.PostForm(s.URL+"/login", form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusFound {
		s.t.Fatalf("log %s in: status %d, want 302", name, res.StatusCode)
	}
	return client
}

// Whoami asks the site who the client's user is.
func (s *DjangoSite) Whoami(client *http.Client) Whoami {
	s.t.Helper()
	var who Whoami
	if err := json.Unmarshal([]byte(s.Get(client, "/whoami")), &who); err != nil {
		s.t.Fatalf("read whoami: %v", err)
	}
	return who
}

// Get gives the body of one of the site's pages, which must answer 200 or a redirect.
func (s *DjangoSite) Get(client *http.Client, path string) string {
	s.t.Helper()
	res, err := client.Get(s.URL + path)
	return s.body(res, err)
}

// Post is Get with a form.
func (s *DjangoSite) Post(client *http.Client, path string, form url.Values) string {
	s.t.Helper()
	res, err := client.Post(s.URL+path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	return s.body(res, err)
}

func (s *DjangoSite) body(res *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("%s %s: %s, %v\n%.2000s", res.Request.Method, res.Request.URL.Path, res.Status, err, body)
	}
	return string(body)
}
