// Package proxyprotocol learns the address of a client from the load balancer in front, by the PROXY protocol of HAProxy, versions
// 1 and 2.
package proxyprotocol

import (
	"net"
	"net/netip"
	"slices"
	"time"

	proxyproto "github.com/pires/go-proxyproto"
)

// headerTime is how long the header may take.
const headerTime = 5 * time.Second

// Listener returns l with the address that a trusted peer announces as that of the client. Such a peer has to announce one: if it
// did not, a client could do so through it. From anybody else the header is not believed but bytes of a broken request.
func Listener(l net.Listener, trusted []netip.Prefix) net.Listener {
	return &proxyproto.Listener{Listener: l, ReadHeaderTimeout: headerTime, ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
		if trusts(trusted, o.Upstream) {
			return proxyproto.REQUIRE, nil
		}
		return proxyproto.SKIP, nil
	}}
}

func trusts(trusted []netip.Prefix, peer net.Addr) bool {
	at, err := netip.ParseAddrPort(peer.String())
	addr := at.Addr().Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}
