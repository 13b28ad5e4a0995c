package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func prefixesOf(networks ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range networks {
		out = append(out, netip.MustParsePrefix(n))
	}
	return out
}

func TestClientAddress_R10_4_1_3(t *testing.T) {
	trusted := networks{proxies: prefixesOf("10.0.0.0/8", "fd00::/8")}
	for _, c := range []struct {
		name, peer    string
		forwarded     []string
		client, chain string
	}{
		{"direct", "192.0.2.1:5000", nil, "192.0.2.1", "192.0.2.1"},
		{"untrusted peer's header is not read", "192.0.2.1:5000", []string{"127.0.0.1"}, "192.0.2.1", "192.0.2.1"},
		{"trusted peer", "10.0.0.1:5000", []string{"192.0.2.1"}, "192.0.2.1", "192.0.2.1, 10.0.0.1"},
		{"trusted peer without header", "10.0.0.1:5000", nil, "10.0.0.1", "10.0.0.1"},
		{"right-most untrusted hop", "10.0.0.1:5000", []string{"127.0.0.1, 198.51.100.7, 192.0.2.1"}, "192.0.2.1", "192.0.2.1, 10.0.0.1"},
		{"over trusted hops", "10.0.0.1:5000", []string{"6.6.6.6, 192.0.2.1, 10.0.0.3,10.0.0.2"}, "192.0.2.1", "192.0.2.1, 10.0.0.3, 10.0.0.2, 10.0.0.1"},
		{"lines are one list", "10.0.0.1:5000", []string{"6.6.6.6", "192.0.2.1", "10.0.0.2"}, "192.0.2.1", "192.0.2.1, 10.0.0.2, 10.0.0.1"},
		{"all trusted", "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"},
		{"garbage fails closed", "10.0.0.1:5000", []string{"192.0.2.1, unknown"}, "invalid IP", "10.0.0.1"},
		{"garbage behind a trusted hop", "10.0.0.1:5000", []string{"_hidden, 10.0.0.2"}, "invalid IP", "10.0.0.1"},
		{"garbage left of the client is never read", "10.0.0.1:5000", []string{"<script>, 192.0.2.1"}, "192.0.2.1", "192.0.2.1, 10.0.0.1"},
		{"empty header", "10.0.0.1:5000", []string{""}, "invalid IP", "10.0.0.1"},
		{"trailing comma", "10.0.0.1:5000", []string{"192.0.2.1,"}, "invalid IP", "10.0.0.1"},
		{"with port", "10.0.0.1:5000", []string{"192.0.2.1:1234"}, "192.0.2.1", "192.0.2.1, 10.0.0.1"},
		{"IPv6 in brackets", "[fd00::1]:5000", []string{"[2001:db8::1]"}, "2001:db8::1", "2001:db8::1, fd00::1"},
		{"IPv6 with port", "[fd00::1]:5000", []string{"[2001:db8::1]:80"}, "2001:db8::1", "2001:db8::1, fd00::1"},
		{"IPv4 written as IPv6 is trusted as IPv4", "[::ffff:10.0.0.1]:5000", []string{"::ffff:192.0.2.1"}, "192.0.2.1", "192.0.2.1, 10.0.0.1"},
		{"zone", "10.0.0.1:5000", []string{"fe80::1%eth0"}, "fe80::1", "fe80::1, 10.0.0.1"},
		{"octal is not an address", "10.0.0.1:5000", []string{"010.0.0.1"}, "invalid IP", "10.0.0.1"},
		{"unix peer, not trusted", "@", []string{"192.0.2.1"}, "invalid IP", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.forwarded
			if c.forwarded == nil {
				delete(r.Header, "X-Forwarded-For")
			}
			got := trusted.arrive(r)
			if got.Client.String() != c.client || got.chain != c.chain {
				t.Errorf("peer %s, X-Forwarded-For %q: client %v, chain %q, want %s, %q", c.peer, c.forwarded, got.Client, got.chain, c.client, c.chain)
			}
		})
	}
}

func TestForwardedSchemeAndHost_R10(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		header     http.Header
		secure     bool
		host       string
	}{
		{"untrusted", "192.0.2.1:1", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}}, false, "example.com"},
		{"trusted", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"app.example.com:8443"}}, true, "app.example.com:8443"},
		{"the nearest proxy wrote last", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https, http"}, "X-Forwarded-Host": {"evil", "app"}}, false, "app"},
		{"websocket", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"WSS"}}, true, "example.com"},
		{"garbage is not https", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https;"}}, false, "example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header = c.peer, c.header
			got := networks{proxies: prefixesOf("10.0.0.0/8")}.arrive(r)
			if got.Secure != c.secure || got.Host != c.host {
				t.Errorf("%v: secure %v, host %q, want %v, %q", c.header, got.Secure, got.Host, c.secure, c.host)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if !(networks{secure: true}).arrive(r).Secure {
		t.Error("an https public URL does not make the request secure")
	}
}

func TestRequestID(t *testing.T) {
	for _, c := range []struct {
		name    string
		lines   []string
		trusted bool
		taken   bool
	}{
		{"from a trusted proxy", []string{"0aF-_.9"}, true, true},
		{"from a stranger", []string{"0aF-_.9"}, false, false},
		{"none", nil, true, false},
		{"two", []string{"a", "b"}, true, false},
		{"not plain", []string{"a b"}, true, false},
		{"escape sequence", []string{"a\x1b[31m"}, true, false},
		{"too long", []string{strings.Repeat("a", 129)}, true, false},
		{"empty", []string{""}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := requestID(c.lines, c.trusted)
			if taken := len(c.lines) > 0 && got == c.lines[0]; taken != c.taken || !taken && len(got) < 16 {
				t.Errorf("requestID(%q, %v) = %q", c.lines, c.trusted, got)
			}
		})
	}
}

// FuzzForwardedFor: whatever a client writes to the left of what a trusted proxy appended, the client's address is the one
// the proxy appended; and nothing else than addresses gets into the chain.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "127.0.0.1", ",", "a,b", "[::1]:80, 10.0.0.2", "unknown", "10.0.0.1,10.0.0.1", "\x00", " , "} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	trusted := networks{proxies: prefixesOf("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, spoofed string, ownLine bool) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:9"
		if r.Header["X-Forwarded-For"] = []string{spoofed + ", 192.0.2.1"}; ownLine {
			r.Header["X-Forwarded-For"] = []string{spoofed, "192.0.2.1"}
		}
		if got := trusted.arrive(r); got.Client.String() != "192.0.2.1" || got.chain != "192.0.2.1, 10.0.0.1" {
			t.Fatalf("X-Forwarded-For %q: client %v, chain %q", r.Header["X-Forwarded-For"], got.Client, got.chain)
		}
		r.Header["X-Forwarded-For"] = []string{spoofed}
		for hop := range strings.SplitSeq(trusted.arrive(r).chain, ", ") {
			if _, err := netip.ParseAddr(hop); err != nil {
				t.Fatalf("X-Forwarded-For %q: chain holds %q", spoofed, hop)
			}
		}
	})
}
