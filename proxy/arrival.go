package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/look"
)

// arrival is what the door found out about where a request comes from.
type arrival struct {
	facts.Facts
	trusted bool
	// chain is the part of X-Forwarded-For that we know to be true: the client first, the peer last.
	chain string
}

// networks says whose forwarding headers are believed.
type networks struct {
	proxies []netip.Prefix
	unix    bool
	secure  bool // the public URL is https
	look    *look.Look
	ids     *requestIDs
	trace   Trace
}

func (n networks) arrive(r *http.Request) arrival {
	peer, unix := peerOf(r)
	a := arrival{trusted: unix && n.unix || contains(n.proxies, peer)}
	a.Client, a.Host, a.Secure, a.Agent, a.Look = peer, r.Host, r.TLS != nil, r.UserAgent(), n.look
	var hops []netip.Addr
	if a.trusted {
		a.Client, hops = clientOf(r.Header["X-Forwarded-For"], peer, n.proxies)
		a.Secure = forwardedSecure(r.Header["X-Forwarded-Proto"], a.Secure)
		a.Host = rightmost(r.Header["X-Forwarded-Host"], a.Host)
	}
	a.chain = chainOf(hops, peer, r.RemoteAddr)
	a.Secure = a.Secure || n.secure
	a.RequestID = n.ids.of(r.Header["X-Request-Id"], a.trusted)
	a.TraceID = n.trace.of(r.Header, a.trusted)
	return a
}

// peerOf is the other end of the connection. Peers on a unix socket have no address.
func peerOf(r *http.Request) (addr netip.Addr, unix bool) {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plainAddr(peer.Addr()), false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return netip.Addr{}, local != nil && local.Network() == "unix"
}

// plainAddr is addr as it is compared: an IPv4 address is one however it is written, and a zone is nobody else's business.
func plainAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// clientOf walks X-Forwarded-For from the right, over trusted proxies, to the first hop that is not one; it returns the hops it
// passed, the client last. What lies left of it anybody can have written. A hop that is no address leaves the client unknown: it fails
// closed instead of falling back to an address that is trusted more.
func clientOf(lines []string, peer netip.Addr, trusted []netip.Prefix) (client netip.Addr, hops []netip.Addr) {
	client = peer
	for hop := range fromTheRight(lines) {
		addr, ok := parseHop(hop)
		if !ok {
			return netip.Addr{}, nil
		}
		client, hops = addr, append(hops, addr)
		if !contains(trusted, addr) {
			break
		}
	}
	return client, hops
}

// fromTheRight yields the members of a comma-separated header, last first.
func fromTheRight(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := len(lines) - 1; i >= 0; i-- {
			for rest, more := lines[i], true; more; {
				member := rest
				comma := strings.LastIndexByte(rest, ',')
				if more = comma >= 0; more {
					rest, member = rest[:comma], rest[comma+1:]
				}
				if !yield(strings.Trim(member, " \t")) {
					return
				}
			}
		}
	}
}

// parseHop reads an address as proxies write them: bare, with a port, in brackets.
func parseHop(hop string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return plainAddr(addr), true
	}
	if pair, err := netip.ParseAddrPort(hop); err == nil {
		return plainAddr(pair.Addr()), true
	}
	inner, _ := strings.CutPrefix(hop, "[")
	if inner, ok := strings.CutSuffix(inner, "]"); ok {
		addr, err := netip.ParseAddr(inner)
		return plainAddr(addr), err == nil
	}
	return netip.Addr{}, false
}

// chainOf writes the hops, which come nearest first, and the peer, whose address and port is remote.
func chainOf(hops []netip.Addr, peer netip.Addr, remote string) string {
	var room [64]byte
	b := room[:0]
	if len(hops) == 0 && peer.Is4() {
		b = peer.AppendTo(b)
		if text, _, _ := strings.Cut(remote, ":"); text == string(b) {
			return text // costs no allocation
		}
		return string(b)
	}
	for i := len(hops) - 1; i >= 0; i-- {
		b = append(hops[i].AppendTo(b), ", "...)
	}
	if peer.IsValid() {
		return string(peer.AppendTo(b))
	}
	return strings.TrimSuffix(string(b), ", ")
}

// forwardedSecure reads X-Forwarded-Proto of a trusted proxy; a word it does not know is not https.
func forwardedSecure(lines []string, otherwise bool) bool {
	if len(lines) == 0 {
		return otherwise
	}
	proto := rightmost(lines, "")
	return strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss")
}

// rightmost is the member the nearest proxy wrote.
func rightmost(lines []string, otherwise string) string {
	for member := range fromTheRight(lines) {
		return member
	}
	return otherwise
}
