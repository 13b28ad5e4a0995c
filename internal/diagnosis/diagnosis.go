// Package diagnosis finds out what keeps logins from holding: cookie flags, host, scheme, clock. Its functions are pure, so that the
// page that ends a loop and the operator's commands say the same. What is found are names; a catalogue has the words.
package diagnosis

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Finding is one thing that is wrong, or may be.
type Finding struct {
	Name   string // such as "secure-over-http"; it never changes
	Values map[string]string
}

// The names of findings.
const (
	SecureOverHTTP   = "secure-over-http"   // a Secure cookie, and the browser came by http
	SameSiteNone     = "samesite-none"      // SameSite=None without Secure is dropped by browsers
	Domain           = "domain"             // the host is not within cookie_domain
	DomainSingle     = "domain-single"      // cookie_domain has one label: browsers refuse it
	Path             = "path"               // the address is not below cookie_path
	Host             = "host"               // not the host of public_url
	Scheme           = "scheme"             // public_url is https, and the browser came by http
	Strict           = "strict"             // SameSite=Strict, and the visitor came from another site
	SessionUnknown   = "session-unknown"    // the cookie came back, and no store knows it
	SeveralCookies   = "several-cookies"    // of the same name
	CookiesRefused   = "cookies-refused"    // nothing is wrong here: the browser keeps none
	Clock            = "clock"              // two clocks differ
	LifetimeTooShort = "lifetime-too-short" // sessions end at once
)

// Setup is what the configuration says.
type Setup struct {
	CookieName, CookieDomain, CookiePath, SameSite string
	// Secure is auto, true or false.
	Secure    string
	CookieAge time.Duration
	PublicURL string
}

// Visit is one request of a browser that should have been logged in.
type Visit struct {
	Host   string // as the browser asked for, with its port
	Secure bool   // it came by https, as far as we can tell
	Path   string // where the visitor wanted to go
	// Sent is how many cookies of the session cookie's name came along.
	Sent int
	// CrossSite says that the visitor came from a page of another site.
	CrossSite bool
}

// Login returns what may keep v from being logged in; the likeliest first, never nothing.
func Login(s Setup, v Visit) []Finding {
	var found []Finding
	add := func(wrong bool, name string, values ...string) {
		if wrong {
			found = append(found, finding(name, append(values, "cookie", s.CookieName)...))
		}
	}
	public, _ := url.Parse(s.PublicURL)
	host := hostname(v.Host)
	add(s.secure(v) && !v.Secure, SecureOverHTTP)
	add(strings.EqualFold(s.SameSite, "None") && !s.secure(v), SameSiteNone)
	add(s.CookieDomain != "" && !within(host, s.CookieDomain), Domain, "domain", s.CookieDomain, "host", host)
	add(single(s.CookieDomain), DomainSingle, "domain", s.CookieDomain)
	add(!below(v.Path, s.CookiePath), Path, "path", v.Path, "below", s.CookiePath)
	add(public.Hostname() != "" && !strings.EqualFold(public.Hostname(), host), Host, "host", host, "public", s.PublicURL)
	add(public.Scheme == "https" && !v.Secure, Scheme, "public", s.PublicURL)
	add(v.Sent > 1, SeveralCookies)
	add(s.CookieAge > 0 && s.CookieAge < time.Minute, LifetimeTooShort, "age", s.CookieAge.String())
	add(v.Sent == 1, SessionUnknown)
	add(v.Sent == 0 && strings.EqualFold(s.SameSite, "Strict") && v.CrossSite, Strict)
	if len(found) == 0 {
		add(true, CookiesRefused, "host", host)
	}
	return found
}

// Clocks compares our time with another machine's.
func Clocks(ours, theirs time.Time, whose string) []Finding {
	const tolerated = 30 * time.Second
	apart := ours.Sub(theirs).Abs()
	if apart <= tolerated {
		return nil
	}
	return []Finding{finding(Clock, "whose", whose, "apart", apart.Round(time.Second).String())}
}

// secure reports whether the cookie has the attribute (auto: when the browser came by https; the prefixes demand it).
func (s Setup) secure(v Visit) bool {
	prefixed := strings.HasPrefix(strings.ToLower(s.CookieName), "__host-") || strings.HasPrefix(strings.ToLower(s.CookieName), "__secure-")
	return s.Secure == "true" || s.Secure != "false" && (v.Secure || prefixed)
}

func finding(name string, pairs ...string) Finding {
	f := Finding{Name: name, Values: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Values[pairs[i]] = pairs[i+1]
	}
	return f
}

func hostname(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		authority = host
	}
	return strings.ToLower(strings.Trim(authority, "[]"))
}

// within is RFC 6265 5.1.3: the domain itself or a host below it, never an address.
func within(host, domain string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	if host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain)
}

func single(domain string) bool {
	domain = strings.Trim(domain, ".")
	_, err := netip.ParseAddr(domain)
	return domain != "" && !strings.Contains(domain, ".") && err != nil && domain != "localhost"
}

// below is RFC 6265 5.1.4.
func below(path, prefix string) bool {
	if prefix == "" || prefix == "/" || path == prefix {
		return true
	}
	return strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}
