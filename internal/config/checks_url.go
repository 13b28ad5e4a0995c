package config

import (
	"errors"
	"net/url"
	"strings"
)

func publicURL(text string) error {
	u, err := parsed(text, 0, "https://", "http://")
	if err != nil {
		return err
	}
	if err := authority(u); err != nil {
		return err
	}
	if u.Path != "" && u.Path != "/" || hasTail(u) {
		return errors.New("must be scheme and host alone, such as https://app.example.com")
	}
	return nil
}

func directoryURL(text string) error {
	u, err := parsed(text, 0, "https://", "http://")
	if err != nil {
		return err
	}
	return authority(u)
}

// upstreamURL takes what the contract names.
func upstreamURL(text string) error {
	if text == NoUpstream {
		return nil
	}
	u, err := parsed(text, 3, "http://", "https://", "unix:", "h2c://", "fcgi://", "fcgi+unix:")
	switch {
	case err != nil:
		return err
	case strings.HasSuffix(u.Scheme, "unix"):
		return socketPath(strings.TrimPrefix(text[strings.Index(text, ":")+1:], "//"))
	case hasTail(u):
		return errors.New("must end with the path: no ? and no #")
	}
	return authority(u)
}

func socketPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		return errors.New("must name a socket by its whole path, such as unix:/run/app.sock")
	}
	return nil
}

func hasTail(u *url.URL) bool { return u.RawQuery != "" || u.ForceQuery || u.Fragment != "" }

// authority demands a host and forbids credentials, which would end up in logs.
func authority(u *url.URL) error {
	switch {
	case u.User != nil:
		return errors.New("holds a user or password; remove them")
	case u.Opaque != "" || u.Hostname() == "" || hostName(u.Hostname()) != nil:
		return errors.New("has no valid host: write " + u.Scheme + "://host:port")
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && (port(u.Port()) != nil || u.Port() == "0"):
		return errors.New("has no valid port: use 1 to 65535")
	}
	return nil
}

func databaseURL(text string) error {
	if path, found := strings.CutPrefix(text, "sqlite:"); found {
		return sqlitePath(path)
	}
	u, err := parsed(text, 1, "sqlite:", "postgres://", "mysql://", "postgresql://")
	switch {
	case err != nil:
		return err
	case u.Scheme == "sqlite": // in capitals
		return errors.New("must begin with sqlite: in small letters")
	case u.Opaque != "":
		return errors.New("must go on with // after the scheme, such as postgres://user:password@host:5432/name")
	}
	return nil
}

// sqlitePath is a path and no URL: it may hold spaces and %.
func sqlitePath(path string) error {
	switch {
	case strings.Trim(path, "/") == "" || path == ":memory:":
		return errors.New("names no file: write sqlite:PATH")
	case strings.HasPrefix(path, "//"):
		return errors.New("has two slashes, which would name a host: write sqlite:relative/path or sqlite:/absolute/path")
	}
	return nil
}

// cacheURL looks at scheme and hosts alone; a list of hosts is more than net/url reads.
func cacheURL(text string) error {
	schemes := []string{"redis://", "rediss://", "redis-sentinel://", "redis-cluster://", "memcached://"}
	for _, s := range schemes {
		if rest, found := strings.CutPrefix(text, s); found {
			if rest == "" || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || control(r) }) {
				return errors.New("names no host: write " + s + "host:port")
			}
			return nil
		}
	}
	return errors.New("has another scheme: it begins with " + alternatives(schemes))
}

func cleanPath(text string) error {
	switch {
	case !strings.HasPrefix(text, "/"):
		return errors.New("must begin with /")
	case strings.Contains(text, "*"):
		return errors.New("holds a *; a path covers all below it, so leave the * out")
	case strings.ContainsAny(text, `?#%;\`) || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || control(r) }):
		return errors.New(`must be a plain path: no spaces and none of ? # % ; \`)
	case strings.Contains(text, "//") || strings.Contains(text+"/", "/./") || strings.Contains(text+"/", "/../"):
		return errors.New("must be a plain path: no //, no . or .. between slashes")
	}
	return nil
}

func routePath(text string) error { return cleanPath(text) }

func prefixPath(text string) error {
	if text == "/" || strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/") {
		return errors.New("must name a path of its own without a slash at the end, such as /.auth")
	}
	return cleanPath(text)
}

// cookiePath and cookieDomain: RFC 6265bis section 4.1.1.
func cookiePath(text string) error {
	if !strings.HasPrefix(text, "/") || strings.ContainsFunc(text, func(r rune) bool { return r == ';' || r > '~' || r <= ' ' }) {
		return errors.New("must begin with / and hold no ; and no spaces, control or non-ASCII characters")
	}
	return nil
}

func cookieDomain(text string) error {
	if strings.Contains(text, "[") || hostName(strings.TrimPrefix(text, ".")) != nil {
		return errors.New("is no domain: write it without scheme, port and path, such as example.com")
	}
	return nil
}

// askRule takes the word routes, or a URL.
func askRule(text string) error {
	if text == "routes" {
		return nil
	}
	return directoryURL(text)
}
