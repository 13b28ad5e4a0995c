package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coatcheck/internal/testenv"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// ask sends a command of the DevTools protocol.
func ask[P, R any](s *screen, command cdp.Command[P, R], params P) {
	s.t.Helper()
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	}))
}

func (s *screen) scheme(name string) {
	s.t.Helper()
	ask(s, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func (s *screen) speaks(language string) {
	s.t.Helper()
	ask(s, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
}

func (s *screen) size(width, height int64) {
	s.t.Helper()
	s.do(chromedp.EmulateViewport(width, height))
}

// value runs an expression in the page.
func value[T any](s *screen, expression string, options ...chromedp.EvaluateOption) T {
	s.t.Helper()
	ctx, cancel := s.within()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		s.t.Fatalf("%.80s: %v", expression, err)
	}
	return v
}

// tabTo goes on with the keyboard until it is at the element, which has to show it.
func (s *screen) tabTo(selector string) {
	s.t.Helper()
	quoted, _ := json.Marshal(selector)
	for range 60 {
		if value[bool](s, "document.activeElement.matches("+string(quoted)+")") {
			if style := value[string](s, "getComputedStyle(document.activeElement).outlineStyle"); style == "none" {
				s.t.Errorf("%s does not show that the keyboard is at it", selector)
			}
			return
		}
		s.do(chromedp.KeyEvent(kb.Tab))
	}
	s.t.Fatalf("the keyboard never comes to %s", selector)
}

// violation is what axe finds.
type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML, FailureSummary string
	}
}

// accessible checks the page in both schemes and two widths (WCAG 2.2 AA).
func (s *screen) accessible(axe, name string) {
	s.t.Helper()
	value[bool](s, axe+"; true")
	for _, width := range []int64{320, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			s.size(width, 900)
			s.scheme(scheme)
			if wide := value[int64](s, "document.documentElement.scrollWidth"); wide > width {
				s.t.Errorf("%s at %d px is %d px wide", name, width, wide)
			}
			for _, v := range s.violations() {
				for _, n := range v.Nodes {
					s.t.Errorf("%s, %s, %d px: %s (%s)\n%s\n%s", name, scheme, width, v.Help, v.ID, n.HTML, n.FailureSummary)
				}
			}
		}
	}
	s.size(900, 700)
	s.scheme("light")
	s.picture(name)
}

func (s *screen) violations() []violation {
	s.t.Helper()
	return value[[]violation](s, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => ({
				ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`, chromedp.EvalAwaitPromise)
}

const pagesConfig = `
login: {title: "Town Library", text: "Ask at the desk if you cannot get in.", max_attempts: 3}
routes:
  - {path: /, access: login, upstream: %[1]q}
  - {path: /staff, access: login, staff: true, upstream: %[1]q}
  - {path: /nobody, access: deny, upstream: %[1]q}
  - {path: /dead, access: login, upstream: "http://127.0.0.1:1"}
`

// library is a proxy with users, in front of an application.
func library(t *testing.T) *process {
	t.Helper()
	p := serve(t, serveOptions{Config: fmt.Sprintf(pagesConfig, newEcho(t).URL)})
	for _, user := range [][]string{{"hanna", "--email", "hanna@library.example"}, {"boss", "--superuser"}} {
		args := append([]string{"user", "add", "--password-stdin", "--config", "config.yaml"}, user...)
		if out, err := p.run(userPassword+"\n", args...); err != nil {
			t.Fatalf("user add: %v\n%s", err, out)
		}
	}
	return p
}

// TestPages shows every page in each language, in both schemes, on a phone and on a desk, to axe, and keeps pictures of them.
func TestPages(t *testing.T) {
	t.Parallel()
	axe := testenv.Axe(t)
	for language, words := range map[string]struct{ login, denied, wrong string }{
		"en": {"Log in", "Not allowed", "wrong"}, "de": {"Anmelden", "Nicht erlaubt", "falsch"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p := library(t)
			s := newScreen(t, p.URL)
			s.speaks(language)
			show := func(name, heading string) {
				t.Helper()
				if got := s.text("h1"); heading != "" && got != heading {
					t.Errorf("%s says %q, want %q", name, got, heading)
				}
				if got := value[string](s, "document.documentElement.lang"); got != language {
					t.Errorf("%s is in %q, want %q", name, got, language)
				}
				s.accessible(axe, name+"-"+language)
			}

			s.visit("/.auth/login?next=%2Freports&ended=1")
			show("login", words.login)
			s.login("hanna", "not it", false)
			if got := s.text("[role=alert]"); !strings.Contains(got, words.wrong) {
				t.Errorf("alert %q", got)
			}
			show("login-failed", words.login)
			s.visit("/.auth/logout")
			show("logged-out", "")
			s.visit("/.auth/nothing")
			show("no-page", "")

			s.visit("/.auth/login?next=%2F.auth%2Faccount")
			s.login("hanna", userPassword, false)
			show("account", "")
			s.tabTo("#current")
			s.then(chromedp.KeyEvent(userPassword + kb.Tab + kb.Tab + "1234" + kb.Tab + kb.Tab + "1234" + kb.Enter))
			show("account-refused", "")
			s.visit("/.auth/login")
			show("logged-in", "")
			s.visit("/.auth/logout")
			show("logout", "")
			s.visit("/staff")
			show("denied", words.denied)
			s.visit("/nobody")
			show("closed", "")
			s.visit("/dead")
			show("upstream-down", "")
			s.visit("/a%00b")
			show("ambiguous", "")

			s.visit("/.auth/logout") // axe would have told
			value[bool](s, axe+"; document.querySelector('button').textContent = ''; true")
			if len(s.violations()) == 0 {
				t.Error("axe finds nothing wrong with a button that says nothing")
			}
			s.quiet("the server responded with a status of")

			s = newScreen(t, p.URL)
			s.speaks(language)
			s.visit("/.auth/login")
			for range 5 {
				s.then(chromedp.Evaluate[struct{}]("document.querySelector('#username').value = 'boss'; document.querySelector('#password').value = 'x'; document.querySelector('form').submit()"))
			}
			show("throttled", words.login)
			s.visit("/.auth/login")
			s.then(chromedp.Evaluate[struct{}]("const f = document.querySelector('form'); f.action = '/.auth/account/end-others'; f.submit()"))
			show("expired", "")

			down := serve(t, serveOptions{Config: "session: {engine: cache}\ncache: {url: 'redis://127.0.0.1:1'}"})
			s = newScreen(t, down.URL)
			s.speaks(language)
			ask(s, network.SetCookie, network.SetCookieParams{Name: "sessionid", Value: strings.Repeat("k", 32), URL: down.URL})
			s.visit("/")
			show("store-down", "")
			s.visit("/.auth/login")
			show("portal-down", "")
			s.quiet("the server responded with a status of")
		})
	}
}

// TestLoop a cookie that browsers drop leads to a page that says which setting is wrong, not round in circles.
func TestLoop(t *testing.T) {
	t.Parallel()
	axe := testenv.Axe(t)
	for name, c := range map[string]struct{ config, want string }{
		"secure over http": {"session: {cookie_secure: 'true'}", "session.cookie_secure"},
		"domain":           {"session: {cookie_domain: other.example}", "session.cookie_domain"},
		"path":             {"session: {cookie_path: /elsewhere}", "session.cookie_path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Browsers take 127.0.0.1 and localhost for secure; a name is not.
			p := serve(t, serveOptions{Config: c.config + "\nfirst_user: true"})
			s := newScreen(t, strings.Replace(p.URL, "127.0.0.1", "library.example", 1))
			s.visit("/reports")
			s.login("admin", p.firstPassword(), false)
			if got := s.text("h1"); got != "Logging in does not hold" {
				t.Fatalf("after the login: %q\n%s", got, s.text("main"))
			}
			if got := s.text("main li"); !strings.Contains(got, c.want) {
				t.Errorf("the page says %q, want it to name %s", got, c.want)
			}
			s.accessible(axe, "loop-"+strings.ReplaceAll(name, " ", "-"))
			s.tabTo("a.button")
			s.then(chromedp.KeyEvent(kb.Enter))
			if got := s.text("h1"); got != "Log in" {
				t.Errorf("the way on leads to %q", got)
			}
			s.quiet("400 (Bad Request)")
		})
	}
}

// screensFolder names the environment variable of the folder that gets the pictures of docs/screens.md.
const screensFolder = "COATCHECK_TEST_SCREENS"

// TestScreens renews the pictures of the documentation.
func TestScreens(t *testing.T) {
	folder := os.Getenv(screensFolder)
	if folder == "" {
		t.Skip(screensFolder + " is not set; make screens sets it")
	}
	p := library(t)
	for _, agent := range []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
	} {
		v := newVisitor(t, p.URL)
		form := url.Values{"username": {"hanna"}, "password": {userPassword}}
		if res := v.do(v.request(http.MethodPost, "/.auth/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "User-Agent", agent)); res.StatusCode != http.StatusSeeOther {
			t.Fatal(res.Status)
		}
	}
	s := newScreen(t, p.URL)
	for _, shot := range []struct {
		name, path, heading string
		login               bool
	}{{"login", "/reports", "Log in", false}, {"account", "/.auth/account", "Your account", true}, {"denied", "/staff", "Not allowed", false}} {
		s.visit(shot.path)
		if shot.login {
			s.login("hanna", userPassword, false)
			s.visit(shot.path)
		}
		if got := s.text("h1"); got != shot.heading {
			t.Fatalf("%s shows %q\n%s", shot.path, got, s.text("main"))
		}
		for variant, size := range map[string][2]int64{"light": {900, 700}, "dark": {900, 700}, "phone": {390, 780}} {
			s.size(size[0], size[1])
			s.scheme(map[bool]string{true: "dark", false: "light"}[variant == "dark"])
			s.save(filepath.Join(folder, shot.name+"-"+variant+".png"))
		}
		s.size(900, 700)
	}
}

func (s *screen) save(file string) {
	s.t.Helper()
	ctx, cancel := s.within()
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		shot, err = smaller(shot)
	}
	if err == nil {
		err = os.WriteFile(file, shot, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// smaller is a PNG in its 64 commonest colours: our pages have few, and the shades between them.
func smaller(shot []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	bounds, counts := full.Bounds(), map[color.Color]int{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[full.At(x, y)]++
		}
	}
	palette := color.Palette(slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] }))
	palette = palette[:min(len(palette), 64)]
	few := image.NewPaletted(bounds, palette)
	draw.Draw(few, bounds, full, bounds.Min, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, few)
	return b.Bytes(), err
}
