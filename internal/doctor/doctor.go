// Package doctor looks for what makes logins fail: it holds the configuration against the databases, caches, upstreams, files and clocks
// around it, and says what to change. It asks and never changes anything; what it says holds no secret.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
	"coatcheck/internal/config"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore/cache"
)

// Level says how bad a finding is.
type Level string

// The levels. A problem keeps somebody from logging in, or lets somebody in; a warning may.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Problem Level = "problem"
)

// Finding is one thing that was looked at.
type Finding struct {
	Check  string `json:"check"` // which look found it, such as cookie
	Level  Level  `json:"level"`
	Key    string `json:"key,omitempty"` // of the configuration, that is to be changed
	Seen   string `json:"seen"`
	Advice string `json:"advice,omitempty"` // empty when all is well
}

// Patient is what is looked at. What is nil could not be opened, or is not configured; the checks that need it say nothing.
type Patient struct {
	Config       config.Config
	ConfigPath   string // empty: none
	Keys         signing.Keys
	KeyFile      string // of the secret key that was made in data_dir; empty: it is configured
	Database     *sqlconn.DB
	UserDatabase *sqlconn.DB
	SessionDir   string // of the engine file
	Users        *userdb.Directory
	Formats      *password.Registry
	Cache        *cache.Cache
	// Foreign reports whether a database with these tables is another program's.
	Foreign func(tables []string) bool
	// Reach returns how the upstream at url is asked, on the route r.
	Reach func(url string, r config.Route) (Upstream, error)
	// Running reports whether a coatcheck of this configuration runs here.
	Running func(ctx context.Context) bool
	// Blocked are findings of what could not even be opened.
	Blocked []Finding
	// URL is of a running one, to be asked as a browser would; empty: none.
	URL string
	Now func() time.Time

	sample *sample
}

// Upstream is asked by a request to its target.
type Upstream interface {
	http.RoundTripper
	Target() *url.URL
}

// check is one look.
type check struct {
	name string
	look func(ctx context.Context, p *Patient, n *notes)
}

// checks is where a look is added: one line.
func checks() []check {
	return []check{
		{"configuration", lookAtWarnings},
		{"cookie", lookAtCookie},
		{"lifetime", lookAtLifetime},
		{"public_url", lookAtPublicURL},
		{"trusted_proxies", lookAtTrusted},
		{"listen", lookAtPorts},
		{"certificate", lookAtCertificate},
		{"files", lookAtFiles},
		{"database", lookAtDatabase},
		{"rights", lookAtRights},
		{"cache", lookAtCache},
		{"clock", lookAtClocks},
		{"sessions", lookAtSessions},
		{"session_dates", lookAtDates},
		{"session_users", lookAtHolders},
		{"engine", lookAtEngines},
		{"users", lookAtUsers},
		{"identity", lookAtIdentity},
		{"upstream", lookAtUpstreams},
		{"url", lookAtURL},
	}
}

// Examine looks at everything, one after the other. It ends early with ctx.
func (p *Patient) Examine(ctx context.Context) []Finding {
	all := slices.Clone(p.Blocked)
	for _, c := range checks() {
		if ctx.Err() != nil {
			break
		}
		n := &notes{check: c.name}
		c.look(ctx, p, n)
		all = append(all, n.findings...)
	}
	return withoutRepeats(all)
}

// withoutRepeats leaves out a warning of the configuration about which a closer look has said more.
func withoutRepeats(all []Finding) []Finding {
	closer := map[string]bool{}
	for _, f := range all {
		if f.Check != "configuration" && f.Level != OK && f.Key != "" {
			closer[f.Key] = true
		}
	}
	kept := all[:0]
	for _, f := range all {
		if f.Check != "configuration" || !closer[f.Key] {
			kept = append(kept, f)
		}
	}
	return kept
}

// notes is what one look writes down.
type notes struct {
	check    string
	findings []Finding
}

func (n *notes) ok(seen string, args ...any) {
	n.findings = append(n.findings, Finding{Check: n.check, Level: OK, Seen: fmt.Sprintf(seen, args...)})
}

func (n *notes) warning(key, seen, advice string) {
	n.findings = append(n.findings, Finding{Check: n.check, Level: Warning, Key: key, Seen: oneLine(seen), Advice: advice})
}

func (n *notes) problem(key, seen, advice string) {
	n.findings = append(n.findings, Finding{Check: n.check, Level: Problem, Key: key, Seen: oneLine(seen), Advice: advice})
}

// oneLine: drivers tell of several attempts on several lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// well writes the ok line of a look that has found nothing.
func (n *notes) well(seen string, args ...any) {
	if len(n.findings) == 0 {
		n.ok(seen, args...)
	}
}

// few is how many things of a kind a finding names.
const few = 3

func lookAtWarnings(_ context.Context, p *Patient, n *notes) {
	n.ok("the configuration loads")
	for _, w := range p.Config.Warnings {
		n.warning(w.Key, w.Text, "see config check")
	}
}
