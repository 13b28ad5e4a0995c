// Package portal is the proxy's own pages: log in, log out, the account, who am I. Plain HTML forms, which work without script; one small
// script shows passwords and tells of Caps Lock. What they say is in [coatcheck/proxy/wording], how they look in [coatcheck/proxy/look].
//
// Answers are JSON to a client that asks for application/json and is not a browser's navigation. Wrong credentials are
// answered 401 with the form again, always the same (ASVS 6.3.8), and without WWW-Authenticate: there is no scheme that a browser could use.
package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/diagnosis"
	"coatcheck/proxy/look"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/sessioncookie"
	"coatcheck/proxy/wording"
	"coatcheck/sessionstore"
)

// Auth says whom a session speaks for, logs in and out, and changes passwords; *[auth.Service] is one. Errors other than those that
// it names in auth are faults.
type Auth interface {
	Principal(ctx context.Context, session *sessionstore.Session) (auth.Principal, error)
	Login(ctx context.Context, session *sessionstore.Session, attempt auth.Attempt) (auth.Principal, error)
	Confirm(ctx context.Context, session *sessionstore.Session, c auth.Confirmation) (auth.Principal, error)
	Logout(ctx context.Context, session *sessionstore.Session) error
	// ChangesPasswords reports whether users can change theirs here.
	ChangesPasswords(ctx context.Context) (bool, error)
	ChangePassword(ctx context.Context, session *sessionstore.Session, c auth.PasswordChange) error
}

// Sessions opens sessions by key; *[sessionstore.Sessions] is one. An error is a fault.
type Sessions interface {
	Open(ctx context.Context, key string) (*sessionstore.Session, error)
}

// Options are the parts and texts of a portal. Auth, Sessions and Cookie are required.
type Options struct {
	// Prefix is where the handler is mounted, without a slash at the end; default /.auth.
	Prefix string
	// PublicURL is the configuration's public_url. Its pages may post here, and next may name it.
	PublicURL string

	Auth     Auth
	Sessions Sessions
	Cookie   *sessioncookie.Cookie
	// Devices knows the sessions of users; nil: they are not shown.
	Devices Devices

	// Look has the title, the colours and the templates; nil: ours.
	Look *look.Look
	// Text and Logo are shown on the pages. Logo is a file's content: SVG, PNG, JPEG, GIF or WebP, at most 1 MiB.
	Text string
	Logo []byte

	// CookieAge and ExpireAtBrowserClose are those of the sessions; they decide what "remember me" offers.
	CookieAge            time.Duration
	ExpireAtBrowserClose bool
	// RememberMe shows the tick box and honours it.
	RememberMe bool

	// Setup is what the page knows of the configuration that ends a loop.
	Setup diagnosis.Setup

	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // nil: time.Now
}

// Portal serves the pages under its prefix. Safe for concurrent use.
type Portal struct {
	opts   Options
	look   *look.Look
	public string // origin of PublicURL, or empty
	guard  *http.CrossOriginProtection
	known  *sessioncookie.Cookie
	assets assets
	policy string // Content-Security-Policy
	routes map[string]map[string]http.HandlerFunc
}

// New returns the portal that opts describes, mounted at its prefix: it takes the request with the whole path.
func New(opts Options) (*Portal, error) {
	if opts.Auth == nil || opts.Sessions == nil || opts.Cookie == nil {
		return nil, errors.New("portal: Auth, Sessions and Cookie are required")
	}
	if opts.Prefix == "" {
		opts.Prefix = "/.auth"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	p := &Portal{opts: opts, look: cmp.Or(opts.Look, look.Default()), guard: http.NewCrossOriginProtection(), known: knownCookie(opts)}
	err := errors.Join(checkPrefix(opts.Prefix), p.setPublic(opts.PublicURL), p.setAssets())
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	p.setRoutes()
	return p, nil
}

func checkPrefix(prefix string) error {
	if !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") || strings.ContainsAny(prefix, "?#%\\ ") || strings.Contains(prefix, "//") {
		return fmt.Errorf("auth_prefix %q: give a path such as /.auth, without a slash at the end", prefix)
	}
	return nil
}

func (p *Portal) setPublic(raw string) error {
	p.policy = policyFor("")
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("public_url %q: give it as https://app.example.com", raw)
	}
	p.public = originOf(u)
	p.policy = policyFor(p.public)
	return p.guard.AddTrustedOrigin(p.public)
}

// originOf writes u's origin as browsers do: lower case, without the scheme's own port.
func originOf(u *url.URL) string {
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), port)
}

func (p *Portal) setRoutes() {
	p.routes = map[string]map[string]http.HandlerFunc{
		p.loginPath():                   {http.MethodGet: p.showLogin, http.MethodPost: p.postLogin},
		p.factorPath():                  {http.MethodPost: p.postFactor},
		p.logoutPath():                  {http.MethodGet: p.showLogout, http.MethodPost: p.postLogout},
		p.accountPath():                 {http.MethodGet: p.showAccount},
		p.accountPath() + "/end":        {http.MethodPost: p.postEnd},
		p.accountPath() + "/end-others": {http.MethodPost: p.postEndOthers},
		p.accountPath() + "/password":   {http.MethodPost: p.postPassword},
		p.opts.Prefix + "/session":      {http.MethodGet: p.whoAmI},
	}
	for path, a := range p.assets.byPath {
		p.routes[path] = map[string]http.HandlerFunc{http.MethodGet: a.serve}
	}
}

func (p *Portal) loginPath() string   { return p.opts.Prefix + "/login" }
func (p *Portal) factorPath() string  { return p.opts.Prefix + "/factor" }
func (p *Portal) logoutPath() string  { return p.opts.Prefix + "/logout" }
func (p *Portal) accountPath() string { return p.opts.Prefix + "/account" }

// ServeHTTP implements [http.Handler].
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, known := p.routes[r.URL.Path]
	if !known {
		problem.Write(w, r, problem.Problem{Status: http.StatusNotFound, Detail: "problem.page", Link: p.loginPath(), LinkText: "problem.log-in"})
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	serve, allowed := methods[method]
	if !allowed {
		p.refuseMethod(w, r, methods)
		return
	}
	serve(w, r)
}

func (p *Portal) refuseMethod(w http.ResponseWriter, r *http.Request, methods map[string]http.HandlerFunc) {
	var names []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if methods[method] != nil || method == http.MethodHead && methods[http.MethodGet] != nil {
			names = append(names, method)
		}
	}
	allow := strings.Join(names, ", ")
	w.Header().Set("Allow", allow)
	problem.Write(w, r, problem.Problem{Status: http.StatusMethodNotAllowed, Detail: "problem.takes", Values: wording.Values{"methods": allow}})
}
