package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// lookAtPublicURL holds what browsers are told against what is served.
func lookAtPublicURL(_ context.Context, p *Patient, n *notes) {
	c := p.Config
	u, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL == "" {
		n.ok("public_url is not set: redirects and cookie flags follow what each request says")
		return
	}
	https := u.Scheme == "https"
	switch {
	case c.TLS.On() && !https:
		n.problem("public_url", "tls is on, and public_url is http", "set public_url: https://"+u.Host)
	case https && !c.TLS.On() && len(c.TrustedProxies) == 0:
		n.warning("trusted_proxies", "public_url is https, and we serve http: the proxy in front that ends TLS is not believed, so everybody has its address and came by http",
			"name the networks of that proxy in trusted_proxies, or set tls.domains or tls.cert_file")
	}
	if len(c.TLS.Domains) > 0 && c.TLS.OnDemand.Ask == "" && !slices.Contains(c.TLS.Domains, strings.ToLower(u.Hostname())) {
		n.problem("tls.domains", "no certificate is asked for "+u.Hostname()+", the host of public_url", "add "+u.Hostname()+" to tls.domains")
	}
	n.well("public_url %s fits what is served", c.PublicURL)
}

// Networks that are wider than this are no proxies of anybody's.
const (
	widest4 = 8  // bits
	widest6 = 16 // bits
)

func lookAtTrusted(_ context.Context, p *Patient, n *notes) {
	for i, prefix := range p.Config.TrustedProxies {
		if wide(prefix) {
			n.problem(fmt.Sprintf("trusted_proxies[%d]", i), prefix.String()+" is nearly everybody: whoever writes X-Forwarded-For chooses their address and scheme",
				"name the networks of your own proxies, such as 10.0.0.0/8 or one address")
		}
	}
	if len(p.Config.TrustedProxies) == 0 {
		n.well("nobody's X-Forwarded-* is believed")
	}
	n.well("%d networks are believed", len(p.Config.TrustedProxies))
}

func wide(prefix netip.Prefix) bool {
	if prefix.Addr().Is4() {
		return prefix.Bits() < widest4
	}
	return prefix.Bits() < widest6
}

// lookAtPorts tries to listen, and lets go at once.
func lookAtPorts(ctx context.Context, p *Patient, n *notes) {
	c := p.Config
	for _, l := range []struct{ key, address string }{
		{"listen", c.Listen}, {"admin_listen", c.AdminListen}, {"tls.http_listen", plainListen(p)}, {"session_api.listen", c.SessionAPI.Listen},
	} {
		if l.address != "" && !strings.HasPrefix(l.address, "unix:") {
			p.tryPort(ctx, n, l.key, l.address)
		}
	}
}

func plainListen(p *Patient) string {
	if !p.Config.TLS.On() {
		return ""
	}
	return p.Config.TLS.PlainListen()
}

func (p *Patient) tryPort(ctx context.Context, n *notes, key, address string) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		_ = l.Close()
	}
	p.judgePort(ctx, n, key, address, err)
}

// judgePort says what came of listening.
func (p *Patient) judgePort(ctx context.Context, n *notes, key, address string, err error) {
	switch {
	case err == nil:
		n.ok("%s %s is free", key, address)
	case errors.Is(err, syscall.EADDRINUSE) && p.Running(ctx):
		n.ok("%s %s is in use, and coatcheck runs here", key, address)
	case errors.Is(err, syscall.EADDRINUSE):
		n.problem(key, address+" is in use, and no coatcheck answers at admin_listen "+p.Config.AdminListen, "end the program that listens there, or choose another port in "+key)
	case errors.Is(err, fs.ErrPermission):
		n.problem(key, "this user may not listen on "+address, "choose a port from 1024 in "+key+", or give the program CAP_NET_BIND_SERVICE")
	default:
		n.problem(key, "cannot listen on "+address+": "+err.Error(), "write an address of this machine into "+key)
	}
}
