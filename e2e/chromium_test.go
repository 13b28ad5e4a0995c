package e2e

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/testenv"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// screenshotsIn names the environment variable of a folder that gets pictures of the pages.
const screenshotsIn = "COATCHECK_TEST_SCREENSHOTS"

// screen is a real browser with one tab. It can be closed and opened again with the same profile.
type screen struct {
	t       testing.TB
	browser testenv.Browser
	base    string
	tab     context.Context
	end     func()

	mu       sync.Mutex
	asked    []string // URLs, data: ones left out
	problems []string // of the console, CSP violations among them
}

func newScreen(t testing.TB, base string) *screen {
	t.Helper()
	s := &screen{t: t, browser: testenv.Chromium(t), base: base}
	s.open()
	t.Cleanup(func() { s.end() })
	return s
}

func (s *screen) open() {
	s.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(s.browser.Path), chromedp.UserDataDir(s.browser.Folder),
		chromedp.WindowSize(900, 700))
	for name, value := range s.browser.Flags {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tab, closeTab := chromedp.NewContext(allocator)
	s.tab = tab
	s.end = sync.OnceFunc(func() {
		_ = chromedp.Cancel(tab) // closes the browser in good order, so that it writes its cookies
		closeTab()
		stop()
	})
	if err := chromedp.Listen(tab, s.note); err != nil {
		s.t.Fatal(err)
	}
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return err
	}))
	// As if its window were in front: otherwise nothing shows that it has the focus.
	ask(s, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
}

// restart closes the browser and starts it again with the same profile.
func (s *screen) restart() {
	s.t.Helper()
	s.end()
	s.open()
}

// note collects what the browser asks for and complains of.
func (s *screen) note(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") {
			s.asked = append(s.asked, e.Request.URL)
		}
	case *log.EventEntryAdded:
		s.problems = append(s.problems, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		s.problems = append(s.problems, "console."+string(e.Type))
	case *runtime.EventExceptionThrown:
		s.problems = append(s.problems, e.ExceptionDetails.Text)
	}
}

func (s *screen) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.tab, 30*time.Second)
}

func (s *screen) do(steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := s.tab, context.CancelFunc(func() {})
	if chromedp.FromContext(s.tab).Target != nil { // the first call starts the browser, which would end with a time-out
		ctx, cancel = s.within()
	}
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		s.t.Fatal(err)
	}
}

// visit types the address.
func (s *screen) visit(path string) {
	s.t.Helper()
	s.do(chromedp.Navigate(s.base + path))
}

// then does what leads to another page, and waits for it.
func (s *screen) then(steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := s.within()
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, steps...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) text(selector string) string {
	s.t.Helper()
	ctx, cancel := s.within()
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		s.t.Fatalf("%s: %v", selector, err)
	}
	return strings.TrimSpace(text)
}

// focused is the name or text of the element that the keyboard is at.
func (s *screen) focused() string {
	s.t.Helper()
	ctx, cancel := s.within()
	defer cancel()
	name, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.activeElement.name || document.activeElement.textContent.trim()"))
	if err != nil {
		s.t.Fatal(err)
	}
	return name
}

// picture keeps what is on the screen, where somebody wants pictures.
func (s *screen) picture(name string) {
	s.t.Helper()
	folder := os.Getenv(screenshotsIn)
	if folder == "" {
		return
	}
	ctx, cancel := s.within()
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// login fills in the form with the keyboard alone; tick also ticks the box.
func (s *screen) login(name, password string, tick bool) {
	s.t.Helper()
	soon(s.t, "the keyboard is at the user name", func() bool { return s.focused() == "username" }) // browsers put it there with the next frame
	keys := []chromedp.Action[chromedp.Void]{chromedp.KeyEvent(name + kb.Tab + password)}
	if tick {
		keys = append(keys, chromedp.KeyEvent(kb.Tab+kb.Tab+" ")) // over the button that shows the password
	}
	s.then(append(keys, chromedp.KeyEvent(kb.Enter))...)
}

// quiet checks that the browser has asked nobody else, and complained of nothing but these.
func (s *screen) quiet(expected ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, asked := range s.asked {
		if u, err := url.Parse(asked); err != nil || u.Scheme+"://"+u.Host != s.base {
			s.t.Errorf("the browser asked a third party: %s", asked)
		}
	}
	for _, problem := range s.problems {
		if !slices.ContainsFunc(expected, func(part string) bool { return strings.Contains(problem, part) }) {
			s.t.Errorf("the browser complains: %s", problem)
		}
	}
	if len(s.asked) == 0 {
		s.t.Error("no request was seen")
	}
}

// A visitor with a keyboard: a wrong password, the right one, the demo, out again.
func TestBrowser(t *testing.T) {
	t.Parallel()
	p := serve(t, serveOptions{})
	s := newScreen(t, p.URL)
	secret := p.firstPassword()

	s.visit("/reports?q=1")
	if got := s.focused(); got != "username" {
		t.Errorf("the keyboard is at %q, want the user name", got)
	}
	s.picture("login")
	s.login("admin", "wrong", false)
	if got := s.text("[role=alert]"); !strings.Contains(got, "wrong") {
		t.Errorf("alert: %q", got)
	}
	if got := s.focused(); got != "password" {
		t.Errorf("after a wrong password the keyboard is at %q, want the password", got)
	}
	s.picture("login-failed")
	s.then(chromedp.KeyEvent(secret + kb.Enter))
	if got := s.text("h1"); got != "Hello, admin" {
		t.Errorf("the demo says %q", got)
	}
	if got := s.text("code"); got != "GET /reports?q=1" {
		t.Errorf("the visitor came to %q", got)
	}
	s.picture("demo")

	s.restart()
	s.visit("/")
	if got := s.text("h1"); got != "Hello, admin" {
		t.Errorf("after a restart of the browser: %q", got)
	}
	s.do(chromedp.KeyEvent(kb.Tab))
	if got := s.focused(); got != "Log out" {
		t.Errorf("one tab leads to %q, want the log-out button", got)
	}
	s.then(chromedp.KeyEvent(kb.Enter))
	if got := s.text("h1"); got != "Log in" {
		t.Errorf("after the log-out: %q", got)
	}
	s.visit("/")
	if got := s.text("h1"); got != "Log in" {
		t.Errorf("the demo after the log-out: %q", got)
	}
	s.visit("/.auth/logout")
	s.picture("logged-out")

	t.Run("shared computer", func(t *testing.T) {
		s.visit("/")
		s.login("admin", secret, true)
		if got := s.text("h1"); got != "Hello, admin" {
			t.Errorf("after the login: %q", got)
		}
		s.restart()
		s.visit("/")
		if got := s.text("h1"); got != "Log in" {
			t.Errorf("after a restart of the browser: %q, want the login page", got)
		}
	})
	s.quiet("401 (Unauthorized)") // the answer to the wrong password

	// The browser would have told.
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.Evaluate[string]("document.head.append(Object.assign(document.createElement('style'), {textContent: 'p {}'})); ''")(ctx, target)
		return err
	}))
	soon(t, "a violation of the policy is noted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.problems, func(p string) bool { return strings.Contains(p, "Content Security Policy") })
	})
}
