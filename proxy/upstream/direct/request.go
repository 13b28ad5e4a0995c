package direct

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Suits reports whether RoundTrip can carry r: without a body, trailers, an upgrade or anything else that concerns the connection, to
// a host of plain ASCII. It is false on systems where an idle connection cannot be looked at.
func Suits(r *http.Request) bool {
	return canLook && r.ContentLength == 0 && (r.Body == nil || r.Body == http.NoBody) && !r.Close && r.Trailer == nil &&
		len(r.TransferEncoding) == 0 && plainMethod(r.Method) && r.URL != nil && r.URL.Scheme == "http" && r.URL.Host != "" &&
		plainHost(hostOf(r)) && r.Header != nil && !concernsConnection(r.Header)
}

func concernsConnection(h http.Header) bool {
	for _, name := range [...]string{"Connection", "Upgrade", "Expect", "Trailer"} {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}

func plainMethod(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodDelete, http.MethodPost, http.MethodPut,
		http.MethodPatch:
		return true
	}
	return false
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// plainHost leaves zones of addresses (RFC 6874) and international names to net/http.
func plainHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !isAlphanumeric(c) && c != '.' && c != ':' && c != '-' && c != '_' && c != '[' && c != ']' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// appendRequest writes the request as it goes over the wire. What could be read as more than one request is an error.
func appendRequest(dst []byte, r *http.Request) ([]byte, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	dst = append(append(dst, method...), ' ')
	start := len(dst)
	dst = appendTarget(dst, r.URL)
	for _, c := range dst[start:] {
		if c <= ' ' || c == 0x7f {
			return dst, errors.New("write request: the URL has a space or a control character")
		}
	}
	dst = append(append(append(dst, " HTTP/1.1\r\nHost: "...), hostOf(r)...), "\r\n"...)
	if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		dst = append(dst, "Content-Length: 0\r\n"...) // RFC 9110 8.6
	}
	dst, err := appendHeader(dst, r.Header)
	return append(dst, "\r\n"...), err
}

// appendTarget writes what [url.URL.RequestURI] is, without making a string of it where that is easy.
func appendTarget(dst []byte, u *url.URL) []byte {
	if u.Opaque == "" || strings.HasPrefix(u.Opaque, "//") {
		return append(dst, u.RequestURI()...)
	}
	dst = append(dst, u.Opaque...)
	if u.ForceQuery || u.RawQuery != "" {
		dst = append(append(dst, '?'), u.RawQuery...)
	}
	return dst
}

func appendHeader(dst []byte, h http.Header) ([]byte, error) {
	for name, values := range h {
		if isOurs(name) {
			continue
		}
		if !validName(name) {
			return dst, fmt.Errorf("write request: %q is no name of a header", name)
		}
		if name == "User-Agent" { // empty: none; there is only one
			if values = values[:min(1, len(values))]; len(values) == 1 && values[0] == "" {
				continue
			}
		}
		for _, value := range values {
			if !validValue(value) {
				return dst, fmt.Errorf("write request: the header %s has control characters", name)
			}
			dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
		}
	}
	return dst, nil
}

// isOurs tells the names that say where the request begins and ends, in any spelling: RoundTrip alone writes them.
func isOurs(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	case len("Connection"):
		return strings.EqualFold(name, "Connection")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case len("Expect"):
		return strings.EqualFold(name, "Expect")
	}
	return false
}

// validName: RFC 9110 5.6.2, token.
func validName(name string) bool {
	for i := range len(name) {
		if !isToken(name[i]) {
			return false
		}
	}
	return name != ""
}

// isToken looks the byte up in two words of bits.
func isToken(c byte) bool {
	const mask = 0 |
		(1<<(10)-1)<<'0' | (1<<(26)-1)<<'a' | (1<<(26)-1)<<'A' |
		1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.' | 1<<'^' | 1<<'_' | 1<<'`' | 1<<'|' | 1<<'~'
	return (uint64(1)<<c)&(mask&(1<<64-1))|(uint64(1)<<(c-64))&(mask>>64) != 0
}

// validValue: RFC 9110 5.5 without the controls.
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
