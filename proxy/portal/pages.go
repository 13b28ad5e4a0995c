package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
)

//go:embed templates
var files embed.FS

// page is what the templates read.
type page struct {
	Site      site
	Principal auth.Principal
	Form      form
	Error     string // in words; shown as an alert
	Next      string // where "continue" leads
}

// site is what is the same on all pages.
type site struct {
	Title, Text                   string
	StylePath, MarkPath, LogoPath string
	LoginPath, LogoutPath         string
	FactorPath                    string
	RememberFor                   string // in words; empty: no tick box
	SharedComputer                bool   // offer a cookie that ends with the browser
}

// Username, Next and Remember make the form's fields visible to the templates; there is no way to read the password back.
func (f form) Username() string { return f.username }

// Next is the address to go to.
func (f form) Next() string { return f.next }

// Pending is what the second step hands back.
func (f form) Pending() string { return f.pending }

// Remembered reports whether the box of the page was ticked.
func (f form) Remembered() bool { return f.remember != auth.RememberDefault }

func (p *Portal) site() site {
	s := site{
		Title: p.opts.Title, Text: p.opts.Text, StylePath: p.assets.style, MarkPath: p.assets.mark, LogoPath: p.assets.logo,
		LoginPath: p.loginPath(), LogoutPath: p.logoutPath(), FactorPath: p.factorPath(),
	}
	if p.opts.RememberMe && p.opts.ExpireAtBrowserClose {
		s.RememberFor = words(p.opts.CookieAge)
	}
	s.SharedComputer = p.opts.RememberMe && !p.opts.ExpireAtBrowserClose
	return s
}

func parsePages() (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range []string{"login", "factor", "loggedin", "logout"} {
		t, err := template.ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

func (p *Portal) writePage(w http.ResponseWriter, r *http.Request, status int, name string, data page) {
	data.Site = p.site()
	var body bytes.Buffer
	if err := p.assets.pages[name].ExecuteTemplate(&body, "layout.html", data); err != nil {
		p.fault(w, r, fmt.Errorf("write page %s: %w", name, err))
		return
	}
	p.write(w, r, status, "text/html; charset=utf-8", body.Bytes())
}

// again shows the form once more and says in words what is wrong; a JSON client reads the same words.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, f form, status int, message string, wait time.Duration) {
	if wantsJSON(r) {
		p.varyHeaders(w)
		problem.Write(w, r, problem.Problem{Status: status, Detail: message, RetryAfter: wait})
		return
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	name := "login"
	if f.pending != "" {
		name = "factor"
	}
	p.writePage(w, r, status, name, page{Form: f, Error: message})
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

// varyHeaders: what is answered depends on the cookie, and on who asks for which form of it.
func (p *Portal) varyHeaders(w http.ResponseWriter) { w.Header().Set("Vary", "Cookie, Accept") }

// policyFor allows our own style sheet, logo and form; the form may lead on to public, which browsers count as its target too.
func policyFor(public string) string {
	action := "'self'"
	if public != "" {
		action += " " + public
	}
	return "default-src 'none'; style-src 'self'; img-src 'self'; form-action " + action +
		"; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
}
