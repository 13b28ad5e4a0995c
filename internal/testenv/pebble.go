package testenv

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// orderPath is Pebble's (wfe/wfe.go newOrderPath).
const orderPath = "/order-plz"

// Authority is Pebble, Let's Encrypt's certificate authority for tests, in this process. To it every name is 127.0.0.1.
type Authority struct {
	Directory string         // URL of its ACME directory
	RootFile  string         // PEM of who vouches for the directory's own certificate
	Roots     *x509.CertPool // of the certificates that it issues

	t       testing.TB
	address string
	tls     *tls.Config
	handler http.Handler
	server  *http.Server
	orders  atomic.Int64
}

// Pebble starts an authority that asks names at the two ports and issues certificates that are valid for that long.
func Pebble(t testing.TB, httpPort, tlsPort int, valid time.Duration) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	folder := t.TempDir()
	if _, err := writeCertificates(folder); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, certFile), filepath.Join(folder, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	silent, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	issuer := ca.New(silent, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: uint64(valid / time.Second)}})
	front := wfe.New(silent, store, va.New(silent, httpPort, tlsPort, false, nameServer(t), store), issuer, []string{"pebble.test"}, false, false, 1, 1)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{t: t, address: address(port), Directory: "https://" + address(port) + wfe.DirectoryPath, RootFile: filepath.Join(folder, caFile),
		Roots: x509.NewCertPool(), tls: &tls.Config{Certificates: []tls.Certificate{pair}}}
	inner := front.Handler()
	a.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == orderPath {
			a.orders.Add(1)
		}
		inner.ServeHTTP(w, r)
	})
	a.Roots.AddCert(issuer.GetRootCert(0).Cert)
	a.Start()
	t.Cleanup(a.Stop)
	return a
}

// Orders is how many certificates it was asked for, refused ones included.
func (a *Authority) Orders() int { return int(a.orders.Load()) }

// Start makes the authority answer.
func (a *Authority) Start() {
	a.t.Helper()
	listener, err := tls.Listen("tcp", a.address, a.tls)
	if err != nil {
		a.t.Fatal(err)
	}
	a.server = &http.Server{Handler: a.handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = a.server.Serve(listener) }()
}

// Stop makes it refuse connections.
func (a *Authority) Stop() { _ = a.server.Close() }

// nameServer answers every question for an address with 127.0.0.1.
func nameServer(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		if question := q.Question[0]; question.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return listener.Addr().String()
}
