package portal

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/look"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

// page is what the templates read. Texts of ours are said by Say, With and Mark; fields that are text are in words already.
type page struct {
	Site      site
	Words     *wording.Language
	Title     string
	Principal auth.Principal
	Form      form
	Error     string // shown as an alert
	Notice    string // shown as a status
	Next      string // where "continue" leads
	NextHost  string // another host of ours that Next leads to
	Account   *account
}

// site is what is the same on all pages.
type site struct {
	Title, Text                               string
	StylePath, ScriptPath, MarkPath, LogoPath string
	LoginPath, LogoutPath                     string
	FactorPath, AccountPath                   string
	RememberFor                               time.Duration // 0: no tick box
	SharedComputer                            bool          // offer a cookie that ends with the browser
}

// Say is the text of the catalogue under key.
func (p page) Say(key string) string { return p.Words.Say(key, nil) }

// With is Say for a text with one value.
func (p page) With(key, name string, value any) string {
	return p.Words.Say(key, wording.Values{name: value})
}

// Mark is With, with the value emphasized.
func (p page) Mark(key, name string, value any) template.HTML {
	return p.Words.Mark(key, wording.Values{name: value})
}

// WindowTitle is the title of the browser's window.
func (p page) WindowTitle() string {
	title := p.Title
	if p.Error != "" {
		title = p.With("page.error", "title", title)
	}
	if p.Site.Title != "" {
		title = p.Words.Say("page.on", wording.Values{"title": title, "site": p.Site.Title})
	}
	return title
}

// Username, Next and Remember make the form's fields visible to the templates; there is no way to read a password back.
func (f form) Username() string { return f.username }

// Next is the address to go to.
func (f form) Next() string { return f.next }

// Pending is what the second step hands back.
func (f form) Pending() string { return f.pending }

// Remembered reports whether the box of the page was ticked.
func (f form) Remembered() bool { return f.remember != auth.RememberDefault }

func (p *Portal) site() site {
	s := site{
		Title: p.look.Title, Text: p.opts.Text, StylePath: p.assets.style, ScriptPath: p.assets.script, MarkPath: p.assets.mark, LogoPath: p.assets.logo,
		LoginPath: p.loginPath(), LogoutPath: p.logoutPath(), FactorPath: p.factorPath(), AccountPath: p.accountPath(),
	}
	if p.opts.RememberMe && p.opts.ExpireAtBrowserClose {
		s.RememberFor = p.opts.CookieAge
	}
	s.SharedComputer = p.opts.RememberMe && !p.opts.ExpireAtBrowserClose
	return s
}

// parsePages parses every page and writes it once, so that a fault in an operator's template is told at start, with file and line.
func (p *Portal) parsePages() (map[string]*template.Template, error) {
	sample := page{Site: p.site(), Words: wording.English(), Title: "a", Error: "b", Notice: "c", NextHost: "d", Form: form{next: "/"},
		Account: &account{Listed: true, CanChange: true, Errors: []string{"e"}, Sessions: []row{{Hash: "f"}}}}
	pages := map[string]*template.Template{}
	for _, name := range []string{"login", "factor", "loggedin", "logout", "account"} {
		t, err := p.look.Page(name)
		if err != nil {
			return nil, err
		}
		if err := t.Execute(io.Discard, sample); err != nil {
			return nil, fmt.Errorf("login.templates: write page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// CheckLook finds the faults of an operator's templates, as [New] does.
func CheckLook(l *look.Look) error {
	p := &Portal{look: l}
	_, err := p.parsePages()
	return errors.Join(err, problem.Check(l))
}

// writePage answers with a page in the visitor's language; of data the title is a key.
func (p *Portal) writePage(w http.ResponseWriter, r *http.Request, status int, name string, data page) {
	data.Site, data.Words = p.site(), wording.For(r.Header)
	data.Title = data.Words.Say(data.Title, nil)
	data.NextHost = p.otherHost(r, data.Form.next)
	var body bytes.Buffer
	if err := p.assets.pages[name].Execute(&body, data); err != nil {
		p.fault(w, r, fmt.Errorf("write page %s: %w", name, err))
		return
	}
	data.Words.Announce(w.Header())
	p.write(w, r, status, "text/html; charset=utf-8", body.Bytes())
}

// otherHost is the host that next leads to, if it is not the one that was asked for: a visitor should know before they log in.
func (p *Portal) otherHost(r *http.Request, next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host == "" || u.Host == requestHost(r) {
		return ""
	}
	return u.Host
}

// again shows the form once more and says what is wrong; a JSON client reads the same words.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, f form, status int, message string, wait time.Duration) {
	if wantsJSON(r) {
		p.varyHeaders(w)
		problem.Write(w, r, problem.Problem{Status: status, Detail: message, Values: wording.Values{"wait": wait}, RetryAfter: wait})
		return
	}
	name, title := "login", "login.title"
	if f.pending != "" {
		name, title = "factor", "factor.title"
	}
	retryAfter(w.Header(), wait)
	p.writePage(w, r, status, name, page{Title: title, Form: f, Error: wording.For(r.Header).Say(message, wording.Values{"wait": wait})})
}

func retryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

func (p *Portal) redirect(w http.ResponseWriter, location string) {
	p.varyHeaders(w)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *Portal) write(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	p.varyHeaders(w)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	// Not no-referrer: with it browsers send "Origin: null" with the form, which is no origin of ours.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that left is seen by the access record
	}
}

// varyHeaders: what is answered depends on the cookie, on who asks for which form of it, and on the language.
func (p *Portal) varyHeaders(w http.ResponseWriter) {
	w.Header().Set("Vary", "Cookie, Accept, Accept-Language")
}

// policyFor allows our own style sheet, script, logo and form; the form may lead on to public, which browsers count as its target too.
func policyFor(public string) string {
	action := "'self'"
	if public != "" {
		action += " " + public
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action " + action +
		"; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
}
