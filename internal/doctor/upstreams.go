package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"coatcheck/internal/config"
)

const answerTime = 5 * time.Second

// lookAtUpstreams asks each upstream once for the page of its route, as nobody.
func lookAtUpstreams(ctx context.Context, p *Patient, n *notes) {
	asked := map[string]bool{}
	for i, r := range p.Config.Routes {
		for _, upstream := range r.Upstream {
			if r.Access != "deny" && upstream != config.NoUpstream && !asked[upstream] {
				asked[upstream] = true
				p.ask(ctx, n, p.keyOf(i), upstream, r)
			}
		}
	}
}

// target is the page of the route at the upstream.
func target(base *url.URL, r config.Route) string {
	if r.StripPrefix {
		return base.JoinPath("/").String()
	}
	return base.JoinPath(r.Path).String()
}

// keyOf is where the upstream of a route is written.
func (p *Patient) keyOf(i int) string {
	if len(p.Config.Upstream) > 0 && fmt.Sprint(p.Config.Upstream) == fmt.Sprint(p.Config.Routes[i].Upstream) {
		return "upstream"
	}
	return fmt.Sprintf("routes[%d].upstream", i)
}

func (p *Patient) ask(ctx context.Context, n *notes, key, upstream string, r config.Route) {
	application, err := p.Reach(upstream, r)
	if err != nil {
		n.problem(key, "the upstream "+upstream+" cannot be asked: "+err.Error(), "correct "+key)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target(application.Target(), r), nil)
	if err != nil {
		n.problem(key, err.Error(), "correct the path of the route")
		return
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("User-Agent", "coatcheck-doctor")
	if u, err := url.Parse(p.Config.PublicURL); err == nil && u.Host != "" {
		req.Host = u.Host
	}
	res, err := application.RoundTrip(req)
	if err != nil {
		n.problem(key, "the upstream "+upstream+" does not answer: "+err.Error(), "start the application, or write its address into "+key)
		return
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	if p.judgeAnswer(n, key, upstream, req.Host, r, res) {
		n.ok("the upstream %s answers %d", upstream, res.StatusCode)
	}
}

var loginPath = regexp.MustCompile(`(?i)(^|[/_.-])(log-?in|sign[_-]?in|auth|sso|session/new)([/_.?-]|$)`)

// judgeAnswer reports whether the answer is as it should be.
func (p *Patient) judgeAnswer(n *notes, key, upstream, host string, r config.Route, res *http.Response) bool {
	before := len(n.findings)
	location := res.Header.Get("Location")
	switch {
	case strings.Contains(location, p.Config.AuthPrefix+"/login"):
		n.problem(key, "the upstream "+upstream+" is a coatcheck, which sends to "+p.Config.AuthPrefix+"/login: requests go in circles", "write the application's own address into "+key)
	case res.StatusCode >= 500:
		n.warning(key, fmt.Sprintf("the upstream %s answers %d", upstream, res.StatusCode), "look at the application's log")
	case res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusMisdirectedRequest:
		n.warning(key, fmt.Sprintf("the upstream %s answers %d to the host %s", upstream, res.StatusCode, host), "let the application serve the host of public_url (ALLOWED_HOSTS in Django)")
	case res.StatusCode == http.StatusUnauthorized:
		n.warning("identity", "the upstream "+upstream+" asks for a login of its own ("+firstWord(res.Header.Get("WWW-Authenticate"))+")", "switch its login off, let it read identity headers, or set identity.basic_auth")
	case location != "" && loginPath.MatchString(pathOf(location)):
		n.warning("identity", "the upstream "+upstream+" sends who is not known to it to its own login, "+pathOf(location), "switch its login off, or let it read identity headers; see identity.preset")
	}
	for _, c := range res.Cookies() {
		if c.Name == p.Config.Session.CookieName && !r.ShareSession {
			n.warning("session.cookie_name", "the upstream "+upstream+" sets a cookie "+c.Name+", too; it never reaches the browser", "give one of them another name (session.cookie_name), or set share_session: true on the route if it is a Django that shares the sessions")
		}
	}
	return len(n.findings) == before
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// pathOf leaves out what a query may hold.
func pathOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	return u.Path
}
