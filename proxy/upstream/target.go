package upstream

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// address is where an upstream is.
type address struct {
	kind    string   // http, https, h2c or fcgi
	base    *url.URL // of requests
	network string   // tcp or unix
	path    string   // of the socket
	name    string   // as it was written
}

func parse(raw string) (address, error) {
	for prefix, kind := range map[string]string{"unix:": "http", "fcgi+unix:": "fcgi"} {
		if path, ok := strings.CutPrefix(raw, prefix); ok {
			return parseUnix(raw, kind, strings.TrimPrefix(path, "//"))
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, fmt.Errorf("upstream: %q is not a URL", strings.SplitN(raw, "@", 2)[0])
	}
	if u.User != nil {
		return address{}, fmt.Errorf("upstream %s URL for %s: user name and password do not belong in it", u.Scheme, u.Host)
	}
	if err := checkURL(u); err != nil {
		return address{}, fmt.Errorf("upstream %q: %w", raw, err)
	}
	base := *u
	if u.Scheme != "https" {
		base.Scheme = "http"
	}
	return address{kind: u.Scheme, base: &base, network: "tcp", name: raw}, nil
}

func parseUnix(raw, kind, path string) (address, error) {
	if !strings.HasPrefix(path, "/") {
		return address{}, fmt.Errorf("upstream %q: give the socket's absolute path, as in unix:/run/app.sock", raw)
	}
	return address{kind: kind, base: &url.URL{Scheme: "http", Host: "localhost"}, network: "unix", path: path, name: raw}, nil
}

func checkURL(u *url.URL) error {
	switch u.Scheme {
	case "http", "https", "h2c", "fcgi":
	default:
		return fmt.Errorf("use http://, https://, h2c://, unix:/path, fcgi://host:port or fcgi+unix:/path")
	}
	switch {
	case u.Hostname() == "":
		return fmt.Errorf("the host is missing")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(u.EscapedPath(), "//"):
		return fmt.Errorf("only scheme, host, port and a plain path belong in it")
	case u.Scheme == "fcgi" && u.Port() == "":
		return fmt.Errorf("the port is missing; PHP-FPM's is 9000")
	case u.Scheme == "fcgi" && strings.Trim(u.Path, "/") != "":
		return fmt.Errorf("a path does not belong in it; the document root is a key of its own")
	}
	return nil
}

// dialTo is where the dialer goes, whatever host the request's URL names.
func (a address) dialTo() string {
	if a.network == "unix" {
		return a.path
	}
	port := a.base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "h2c": "80", "https": "443"}[a.kind]
	}
	return net.JoinHostPort(a.base.Hostname(), port)
}
