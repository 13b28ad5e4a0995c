package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// lookAtURL asks a running coatcheck for its login page, as a browser would, through whatever is in between.
func lookAtURL(ctx context.Context, p *Patient, n *notes) {
	if p.URL == "" {
		return
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		n.problem("", err.Error(), "give --url https://host")
		return
	}
	judgeCookie(p, n, p.URL)
	client := &http.Client{
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
	}
	res := p.get(ctx, n, client, u, p.Config.AuthPrefix+"/login?next=%2F")
	if res == nil {
		return
	}
	p.judgePage(n, u, res)
	p.judgeHeaders(n, u, res)
	if res := p.get(ctx, n, client, u, p.protected()); res != nil {
		p.judgeRedirect(n, u, res)
	}
	n.well("%s answers as it should", p.URL)
}

// protected is a path that wants a login.
func (p *Patient) protected() string {
	for _, r := range p.Config.Routes {
		if r.Access == "login" {
			return r.Path
		}
	}
	return "/"
}

func (p *Patient) get(ctx context.Context, n *notes, client *http.Client, u *url.URL, path string) *http.Response {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Scheme+"://"+u.Host+path, nil)
	if err != nil {
		n.problem("", err.Error(), "give --url https://host")
		return nil
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	res, err := client.Do(req)
	if err != nil {
		p.judgeFailure(n, u, err)
		return nil
	}
	_ = res.Body.Close()
	return res
}

func (p *Patient) judgeFailure(n *notes, u *url.URL, err error) {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		n.problem("tls", "the certificate is not for "+u.Hostname(), "get one that names it (tls.domains or tls.cert_file, here or in the proxy in front)")
	case errors.As(err, &authority):
		n.problem("tls", "the certificate is from nobody that this machine trusts", "use one of a public authority, or let browsers and this machine trust yours; a missing intermediate certificate belongs into tls.cert_file")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		n.problem("tls", "the certificate has ended", "renew it")
	default:
		n.problem("listen", p.URL+" does not answer: "+err.Error(), "start coatcheck, or look at DNS, firewall and the proxy in front")
	}
}

// judgePage: the login page has to be ours, and whole.
func (p *Patient) judgePage(n *notes, u *url.URL, res *http.Response) {
	location := res.Header.Get("Location")
	switch {
	case res.StatusCode == http.StatusOK:
	case res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusMisdirectedRequest:
		n.problem("public_url", fmt.Sprintf("%s is answered %d: the host is not one that is served", u.Host, res.StatusCode), "set public_url or a route's host to what browsers ask for, and let the proxy in front pass Host on")
	case location != "" && strings.HasPrefix(location, "https:") && u.Scheme == "http":
		n.ok("http is sent on to https")
	default:
		n.problem("auth_prefix", fmt.Sprintf("%s/login is answered %d: that is not our login page", p.Config.AuthPrefix, res.StatusCode), "let the proxy in front send everything here, "+p.Config.AuthPrefix+" too")
	}
}

func (p *Patient) judgeHeaders(n *notes, u *url.URL, res *http.Response) {
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		p.judgeClock(n, "that of "+u.Host, p.Now().Truncate(time.Second), date)
	}
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		judgeDates(p, n, "tls", res.TLS.PeerCertificates[0])
	}
}

// judgeRedirect: the way to the login page shows which host and scheme coatcheck takes the browser's address for.
func (p *Patient) judgeRedirect(n *notes, u *url.URL, res *http.Response) {
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return
	}
	switch {
	case u.Scheme == "https" && to.Scheme == "http":
		n.problem("trusted_proxies", "asked by https, it sends to "+to.Scheme+"://"+to.Host+": the proxy in front is not believed",
			"name that proxy's network in trusted_proxies, let it send X-Forwarded-Proto, and set public_url: "+u.Scheme+"://"+u.Host)
	case !strings.EqualFold(to.Host, u.Host):
		n.problem("public_url", "it sends to the host "+to.Host+" to log in", "set public_url: "+u.Scheme+"://"+u.Host+", or let the proxy in front pass Host on")
	}
}
