// Package sessioncookie reads, writes and removes the session cookie, on the wire exactly as Django does
// (http/response.py set_cookie and delete_cookie, http/cookie.py parse_cookie).
package sessioncookie

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Secure says when the cookie carries the Secure attribute.
type Secure int

const (
	SecureAuto   Secure = iota // when the browser came by https, or the cookie would be refused without it
	SecureAlways               // Django's SESSION_COOKIE_SECURE = True
	SecureNever                // Django's default
)

// Options are Django's SESSION_COOKIE_* settings.
type Options struct {
	Name     string // default sessionid
	Domain   string // empty: a cookie of this host alone
	Path     string // default /
	SameSite string // emitted as written; empty leaves the attribute out
	Secure   Secure
	HTTPOnly bool
	// Now is the clock that expires is counted from; default time.Now.
	Now func() time.Time
}

// Cookie is the session cookie of one configuration. Safe for concurrent use.
type Cookie struct {
	opts Options
	// What follows the value, in Django's order: Domain before expires; Path, SameSite after Max-Age.
	domain, tail string
	clear        string
}

// New returns the cookie that opts describes. [Options.Validate] tells beforehand what a browser would refuse.
func New(opts Options) *Cookie {
	opts = opts.withDefaults()
	c := &Cookie{opts: opts}
	if opts.Domain != "" {
		c.domain = "; Domain=" + opts.Domain
	}
	c.tail = "; Path=" + opts.Path
	if opts.SameSite != "" {
		c.tail += "; SameSite=" + opts.SameSite
	}
	c.clear = c.clearLine()
	return c
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "sessionid"
	}
	if o.Path == "" {
		o.Path = "/"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Name returns the cookie's name.
func (c *Cookie) Name() string { return c.opts.Name }

// Validate reports every reason why a browser would not keep this cookie, or would not send it back (RFC 6265bis
// sections 4.1.2.7, 4.1.3 and 5.7).
func (o Options) Validate() error {
	o = o.withDefaults()
	return errors.Join(o.checkText(), o.checkSameSite(), o.checkPrefix())
}

func (o Options) checkText() error {
	var errs []error
	if strings.ContainsFunc(o.Name, func(r rune) bool { return !isToken(r) }) {
		errs = append(errs, fmt.Errorf("cookie name %q: use letters, digits, - and _", o.Name))
	}
	if strings.ContainsFunc(o.Domain, func(r rune) bool { return !isHostRune(r) }) {
		errs = append(errs, fmt.Errorf("cookie domain %q: give a host name such as example.com, without scheme and port", o.Domain))
	}
	if o.Path[0] != '/' || strings.ContainsFunc(o.Path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' }) {
		errs = append(errs, fmt.Errorf("cookie path %q: give a path that begins with / and holds no ; and no blanks", o.Path))
	}
	return errors.Join(errs...)
}

func (o Options) checkSameSite() error {
	switch strings.ToLower(o.SameSite) {
	case "", "lax", "strict":
		return nil
	case "none":
		if o.Secure == SecureNever {
			return errors.New("cookie with SameSite=None: browsers keep it only with Secure; set it to true or auto")
		}
		return nil
	}
	return fmt.Errorf("cookie SameSite %q: use Lax, Strict, None or nothing", o.SameSite)
}

func (o Options) checkPrefix() error {
	var errs []error
	if o.secureByName() && o.Secure == SecureNever {
		errs = append(errs, fmt.Errorf("cookie name %q: browsers keep it only with Secure; set it to true or auto", o.Name))
	}
	if hasPrefixFold(o.Name, "__Host-") && (o.Domain != "" || o.Path != "/") {
		errs = append(errs, fmt.Errorf("cookie name %q: browsers keep it only with path / and without a domain", o.Name))
	}
	return errors.Join(errs...)
}

func (o Options) secureByName() bool {
	return hasPrefixFold(o.Name, "__Secure-") || hasPrefixFold(o.Name, "__Host-")
}

// Browsers compare the prefixes without case (RFC 6265bis section 5.7).
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func isToken(r rune) bool { return isAlphanumeric(r) || strings.ContainsRune("!#$%&'*+-.^_`|~", r) }

func isHostRune(r rune) bool { return isAlphanumeric(r) || r == '.' || r == '-' }
