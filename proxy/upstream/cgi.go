package upstream

import (
	"errors"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/upstream/fastcgi"
)

// authType is AUTH_TYPE: how Apache calls a login by a form (mod_auth_form).
const authType = "form"

// variables are those of a request, each name once.
type variables []fastcgi.Param

func (v *variables) add(name, value string) { *v = append(*v, fastcgi.Param{Name: name, Value: value}) }

// params says of a request what RFC 3875 4.1 and PHP-FPM want to know; CONTENT_LENGTH comes with the body.
func (f *fcgi) params(r *http.Request) (variables, error) {
	mount := f.Mount(r.Context())
	s, err := f.script(r.URL, mount)
	if err != nil {
		return nil, err
	}
	v := make(variables, 0, 24+len(r.Header))
	f.addScript(&v, s)
	addServer(&v, r, f.address(r, mount))
	addClient(&v, r)
	if user := f.User(r.Context()); hasControls(user) {
		return nil, errors.New("REMOTE_USER: the user name has control characters, which a C program would take for its end")
	} else if user != "" {
		v.add("REMOTE_USER", user)
		v.add("AUTH_TYPE", authType)
	}
	f.addHeaders(&v, r)
	return v, nil
}

func (f *fcgi) addScript(v *variables, s script) {
	v.add("DOCUMENT_ROOT", f.Root)
	v.add("SCRIPT_FILENAME", f.file(s))
	v.add("SCRIPT_NAME", s.name)
	if s.info != "" {
		v.add("PATH_INFO", s.info)
		v.add("PATH_TRANSLATED", f.Root+s.info)
	}
	v.add("REDIRECT_STATUS", "200") // php-cgi wants to see that a web server chose the script
}

// file is where the script is, for the application.
func (f *fcgi) file(s script) string {
	if f.Script != "" {
		return f.Script
	}
	return f.Root + s.name
}

// address is REQUEST_URI. A CGI program makes its links of what stands before PATH_INFO, so it sees the whole of it.
func (f *fcgi) address(r *http.Request, mount string) string {
	if f.Script == "" {
		return r.URL.RequestURI()
	}
	return (&url.URL{Path: mount}).EscapedPath() + r.URL.RequestURI()
}

func addServer(v *variables, r *http.Request, address string) {
	known := facts.From(r.Context())
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		name, port = strings.Trim(r.Host, "[]"), ""
	}
	scheme, usual := "http", "80"
	if known.Secure {
		scheme, usual = "https", "443"
		v.add("HTTPS", "on")
	}
	if port == "" {
		port = usual
	}
	v.add("REQUEST_METHOD", r.Method)
	v.add("REQUEST_URI", address)
	v.add("QUERY_STRING", r.URL.RawQuery)
	v.add("REQUEST_SCHEME", scheme)
	v.add("SERVER_NAME", name)
	v.add("SERVER_PORT", port)
	v.add("SERVER_PROTOCOL", r.Proto)
	v.add("SERVER_SOFTWARE", "coatcheck")
	v.add("GATEWAY_INTERFACE", "CGI/1.1")
	v.add("HTTP_HOST", r.Host)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		v.add("SERVER_ADDR", local.IP.String())
	}
}

// addClient tells of the client where a trusted proxy has told us; its port is known of a direct connection alone.
func addClient(v *variables, r *http.Request) {
	addr, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		addr, port = "", "0"
	}
	if client := facts.From(r.Context()).Client; client.IsValid() && client.String() != addr {
		addr, port = client.String(), "0"
	}
	v.add("REMOTE_ADDR", addr)
	v.add("REMOTE_PORT", port)
}

// addHeaders turns headers into variables. Names have letters, digits and hyphens and are in their canonical form, so that no two
// of them become the same variable; what is spelled otherwise stays out.
func (f *fcgi) addHeaders(v *variables, r *http.Request) {
	for name, values := range r.Header {
		if len(values) == 0 || !plainName(name) || f.withheld(name, values[0], r) {
			continue
		}
		variable := "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		separator := ", "
		switch name {
		case "Content-Type":
			variable = "CONTENT_TYPE"
		case "Cookie":
			separator = "; "
		}
		v.add(variable, strings.Join(values, separator))
	}
}

func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name == textproto.CanonicalMIMEHeaderKey(name)
}

// withheld: HTTP_PROXY is what many a program takes its proxy from (httpoxy, CVE-2016-5385); the length is that of the body we
// send; the rest is between us and the client (RFC 3875 4.1.18).
func (f *fcgi) withheld(name, value string, r *http.Request) bool {
	switch name {
	case "Proxy", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect", "Te", "Trailer", "Keep-Alive",
		"Proxy-Authorization", "Proxy-Connection":
		return true
	case "User-Agent": // empty: net/http's way to send none
		return value == ""
	case "Authorization":
		scheme, _, _ := strings.Cut(strings.TrimLeft(value, " "), " ")
		passwords := strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Digest")
		return passwords && !f.KeepAuthorization && f.User(r.Context()) != ""
	}
	return false
}
