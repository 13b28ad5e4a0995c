// Bareproxy is Go's httputil.ReverseProxy and nothing else: no login, no rules. The benchmarks hold coatcheck against it.
//
//	bareproxy 127.0.0.1:8080 http://127.0.0.1:9000 [CERT.pem KEY.pem]
//	BAREPROXY_POOL=no bareproxy …    # a new buffer for each answer, as httputil does when nobody gives it a pool
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

// conns is how many idle connections to the upstream are kept: as many as the load has.
const conns = 64

func main() {
	if len(os.Args) != 3 && len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: bareproxy HOST:PORT UPSTREAM [CERT KEY]")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "bareproxy:", err)
		os.Exit(1)
	}
}

func serve(addr, upstream string, certificate []string) error {
	handler, err := newProxy(upstream)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	if len(certificate) == 2 {
		return server.ListenAndServeTLS(certificate[0], certificate[1])
	}
	return server.ListenAndServe()
}

func newProxy(upstream string) (http.Handler, error) {
	target, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = conns
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.SetXForwarded()
	}}
	if os.Getenv("BAREPROXY_POOL") != "no" {
		proxy.BufferPool = &buffers{}
	}
	return proxy, nil
}

// buffers is a [httputil.BufferPool].
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10 // as httputil's own

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }
