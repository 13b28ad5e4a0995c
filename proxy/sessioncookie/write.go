package sessioncookie

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxLine is what browsers keep of one cookie, in bytes (RFC 6265bis section 5.6): a longer one is dropped without a word.
const maxLine = 4096

var (
	// ErrTooLong: browsers would drop the cookie. It is never cut.
	ErrTooLong = fmt.Errorf("session cookie is longer than %d bytes", maxLine)
	// ErrBadKey: the session key holds a byte that a cookie cannot carry unquoted.
	ErrBadKey = errors.New("session key cannot be a cookie value")
)

// Set returns the value of the Set-Cookie header that hands key to the browser for age (Django's get_expiry_age; cut to
// whole seconds, may be zero or negative), or until the browser closes. https says that the browser came by https. The errors
// are [ErrTooLong] and [ErrBadKey]; neither names the key.
func (c *Cookie) Set(key string, age time.Duration, browserClose, https bool) (string, error) {
	if !validValue(key) {
		return "", ErrBadKey
	}
	b := make([]byte, 0, 160+len(key))
	b = append(b, c.opts.Name...)
	b = append(b, '=')
	b = append(b, key...)
	b = append(b, c.domain...)
	if !browserClose {
		b = append(b, "; expires="...)
		b = c.opts.Now().Add(age).UTC().AppendFormat(b, http.TimeFormat)
	}
	if c.opts.HTTPOnly {
		b = append(b, "; HttpOnly"...)
	}
	if !browserClose {
		b = append(b, "; Max-Age="...)
		b = strconv.AppendInt(b, int64(age/time.Second), 10)
	}
	b = append(b, c.tail...)
	if c.secure(https) {
		b = append(b, "; Secure"...)
	}
	if len(b) > maxLine {
		return "", ErrTooLong
	}
	return string(b), nil
}

// validValue: what Python's http.cookies writes without quotes.
func validValue(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool { return !isToken(r) && r != ':' })
}

func (c *Cookie) secure(https bool) bool {
	switch c.opts.Secure {
	case SecureAlways:
		return true
	case SecureNever:
		return false
	}
	return https || c.secureOnClear()
}

// Clear returns the value of the Set-Cookie header that takes the cookie away.
func (c *Cookie) Clear() string { return c.clear }

// clearLine is Django's delete_cookie: two double quotes as the value, no HttpOnly, and a Secure of its own rule.
func (c *Cookie) clearLine() string {
	line := c.opts.Name + `=""` + c.domain + "; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0" + c.tail
	if c.secureOnClear() {
		line += "; Secure"
	}
	return line
}

// Not taken from the setting: http/response.py delete_cookie adds Secure only where browsers would ignore the line without it.
func (c *Cookie) secureOnClear() bool {
	return strings.HasPrefix(c.opts.Name, "__Secure-") || strings.HasPrefix(c.opts.Name, "__Host-") ||
		strings.EqualFold(c.opts.SameSite, "none")
}
