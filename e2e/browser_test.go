package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// visitor is a browser without a screen: it keeps cookies and says what a browser says of a navigation.
type visitor struct {
	t      testing.TB
	client *http.Client
	base   string
}

func newVisitor(t testing.TB, base string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &visitor{t: t, client: client, base: base}
}

// answer is a response whose body was read.
type answer struct {
	*http.Response
	Text string
}

func (v *visitor) do(req *http.Request) answer {
	v.t.Helper()
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, readAll(v.t, res.Body)}
}

func (v *visitor) request(method, path, body string, header ...string) *http.Request {
	v.t.Helper()
	req, err := http.NewRequest(method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// get is a navigation: what happens when somebody types the address.
func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.do(v.request(http.MethodGet, path, "", "Accept", "text/html,*/*;q=0.8", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"))
}

// fetch is a script's request.
func (v *visitor) fetch(path string) answer {
	v.t.Helper()
	return v.do(v.request(http.MethodGet, path, "", "Accept", "application/json", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"))
}

// post submits a form of our own page.
func (v *visitor) post(path string, form url.Values) answer {
	v.t.Helper()
	return v.do(v.request(http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Origin", v.base))
}

// login logs in at the portal and fails the test unless that works.
func (v *visitor) login(username, password string) answer {
	v.t.Helper()
	res := v.post("/.auth/login", url.Values{"username": {username}, "password": {password}, "next": {"/"}})
	if res.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("login of %s: got %s, want 303\n%s", username, res.Status, res.Text)
	}
	return res
}

func (v *visitor) logout() answer {
	v.t.Helper()
	return v.post("/.auth/logout", nil)
}

// cookie returns the value of the visitor's cookie, "" if there is none.
func (v *visitor) cookie(name string) string {
	base, _ := url.Parse(v.base)
	for _, c := range v.client.Jar.Cookies(base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

var passwordLine = regexp.MustCompile(`(?m)^password: (\S+)$`)

// firstPassword is the first user's password as serve printed it.
func (p *process) firstPassword() string {
	p.t.Helper()
	var m []string
	soon(p.t, "serve prints the first password", func() bool {
		m = passwordLine.FindStringSubmatch(p.stdout.String())
		return m != nil
	})
	return m[1]
}
