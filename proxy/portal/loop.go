package portal

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"coatcheck/internal/diagnosis"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

// circling reports whether a browser that nobody is logged in with has just come from a login that succeeded: a post of our login page
// was answered by a redirect, and the address it led to sent the browser back here. Redirects keep the Referer of the page that
// began them (Fetch 4.4), and no other site can send ours. Nothing is stored, and no cookie is needed, for cookies are what may not work.
func (p *Portal) circling(r *http.Request, next string) bool {
	from, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || next == "" || !problem.Navigation(r) || !strings.EqualFold(from.Host, requestHost(r)) {
		return false
	}
	return from.Path == p.loginPath() || from.Path == p.factorPath()
}

// breakLoop says what may be wrong instead of asking once more.
func (p *Portal) breakLoop(w http.ResponseWriter, r *http.Request, next string) {
	f := facts.From(r.Context())
	found := diagnosis.Login(p.opts.Setup, diagnosis.Visit{
		Host: requestHost(r), Secure: f.Secure, Path: pathOf(next), Sent: p.sent(r),
		CrossSite: r.Header.Get("Sec-Fetch-Site") == "cross-site",
	})
	var names []string
	var list []wording.Text
	for _, finding := range found {
		names = append(names, finding.Name)
		values := wording.Values{}
		for name, value := range finding.Values {
			values[name] = value
		}
		list = append(list, wording.Text{Key: "loop." + finding.Name, Values: values})
	}
	p.opts.Log.LogAttrs(r.Context(), slog.LevelWarn, "security event", slog.String("event", "login_loop"), slog.String("request_id", f.RequestID),
		slog.String("found", strings.Join(names, " ")))
	p.varyHeaders(w)
	problem.Write(w, r, problem.Problem{
		Status: http.StatusBadRequest, Title: "loop.title", Detail: "loop.detail", Hint: "loop.hint", List: list,
		Link: p.loginFor(next), LinkText: "loop.again",
	})
}

// sent is how many session cookies came, here or where the browser was sent from: there one that was of no use was taken away.
func (p *Portal) sent(r *http.Request) int {
	n := len(p.opts.Cookie.Keys(r.Header))
	if n == 0 && ended(r) {
		return 1
	}
	return n
}

// ended reports whether the browser was sent here because its session has ended.
func ended(r *http.Request) bool { return r.URL.Query().Get("ended") == "1" }

// pathOf is the path of an address that is safe.
func pathOf(next string) string {
	u, err := url.Parse(next)
	if err != nil {
		return "/"
	}
	return u.Path
}

func (p *Portal) loginFor(next string) string {
	return p.loginPath() + "?next=" + url.QueryEscape(next)
}
