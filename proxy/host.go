package proxy

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxHost is the longest authority, in bytes: a name of 253, its dot, a colon and a port.
const maxHost = 260

// hostName is the host of an authority as the table compares it: lower case, without port and final dot. False: not an
// authority (RFC 9112 3.2; stricter than net/http, which takes any sub-delimiter).
func hostName(authority string) (string, bool) {
	if authority == "" || len(authority) > maxHost {
		return "", false
	}
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && strings.LastIndexByte(authority, ']') < i {
		host, port = authority[:i], authority[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
			return "", false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return host, ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	host = strings.TrimSuffix(host, ".")
	return strings.ToLower(host), validName(host)
}

func validName(host string) bool {
	for i := range len(host) {
		c := host[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0 && host[i-1] != '.':
		default:
			return false
		}
	}
	return host != "" && host[len(host)-1] != '.'
}
