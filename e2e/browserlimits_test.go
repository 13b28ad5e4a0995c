package e2e

import (
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// limitedScreen is a browser at a proxy with the demo, where alice can log in.
func limitedScreen(t *testing.T, lines ...string) *screen {
	t.Helper()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.session = lines
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	return newScreen(t, p.URL)
}

// shows checks the heading of a page.
func (s *screen) shows(when, want string) {
	s.t.Helper()
	if got := s.text("h1"); got != want {
		s.t.Errorf("%s: %q, want %q", when, got, want)
	}
}

const (
	welcome   = "Hello, alice"
	loginPage = "Log in"
)

func TestBrowserClose(t *testing.T) {
	t.Parallel()
	s := limitedScreen(t, "expire_at_browser_close: true")
	for _, c := range []struct {
		name string
		tick bool
		want string
	}{{"without remember me", false, loginPage}, {"with remember me", true, welcome}} {
		s.visit("/")
		s.login("alice", userPassword, c.tick)
		s.shows(c.name+", after the login", welcome)
		s.restart()
		s.visit("/")
		s.shows(c.name+", after a restart of the browser", c.want)
	}
}

func TestBrowserIdle_7_3_1(t *testing.T) {
	t.Parallel()
	s := limitedScreen(t, "idle_timeout: 6s")
	s.visit("/")
	s.login("alice", userPassword, false)
	for range 8 { // in use for longer than the limit
		time.Sleep(time.Second)
		s.visit("/")
		s.shows("in use", welcome)
	}
	time.Sleep(6500 * time.Millisecond)
	s.visit("/")
	s.shows("after the idle limit", loginPage)
	s.login("alice", userPassword, false)
	s.shows("logged in again", welcome)
}

func TestBrowserLifetime_7_3_2(t *testing.T) {
	t.Parallel()
	s := limitedScreen(t, "max_lifetime: 8s")
	s.visit("/")
	s.login("alice", userPassword, false)
	s.shows("after the login", welcome)
	for end := time.Now().Add(9 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		s.visit("/")
	}
	s.visit("/")
	s.shows("after the longest lifetime", loginPage)
}

// A log-out in one tab is one in all.
func TestBrowserTabs_7_4_1(t *testing.T) {
	t.Parallel()
	s := limitedScreen(t)
	s.visit("/")
	s.login("alice", userPassword, false)
	s.shows("first tab", welcome)
	ctx, closeTab := chromedp.NewContext(s.tab)
	defer closeTab()
	second := &screen{t: t, base: s.base, tab: ctx, end: sync.OnceFunc(func() {})}
	second.visit("/reports")
	second.shows("second tab", welcome)
	s.do(chromedp.KeyEvent(kb.Tab))
	s.then(chromedp.KeyEvent(kb.Enter))
	s.shows("first tab after the log-out", loginPage)
	second.visit("/reports")
	second.shows("second tab after the log-out in the first", loginPage)
}
