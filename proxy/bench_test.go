package proxy

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"net/http/httptest"
)

// BenchmarkGet is a whole authenticated GET over loopback, beside what net/http and httputil cost without us.
func BenchmarkGet(b *testing.B) {
	g := newRig(b, settings{})
	g.handler.log, g.handler.guard.log = discardLog(), discardLog()
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	target, _ := url.Parse(g.app.URL)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	bare := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() }})
	defer bare.Close()
	cookie := session(g.login("1"))
	for name, at := range map[string]string{"coatcheck": "http://" + g.addr, "bare_reverse_proxy": bare.URL} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			for b.Loop() {
				req, _ := http.NewRequest(http.MethodGet, at+"/projects/coatcheck", nil)
				req.Header.Set("Cookie", cookie)
				res, err := client.Do(req)
				if err != nil || res.StatusCode != 200 {
					b.Fatal(res, err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// BenchmarkDecide is everything before the upstream is asked: no connections, no upstream.
func BenchmarkDecide(b *testing.B) {
	g := newRig(b, settings{})
	h := g.handler
	h.log, h.guard.log = discardLog(), discardLog()
	h.answer = silent{}
	r := httptest.NewRequest(http.MethodGet, "/projects/coatcheck", nil)
	r.Header.Set("Cookie", session(g.login("1")))
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
		g.store.seen()
	}
}

type silent struct{}

func (silent) Allowed(http.ResponseWriter, *http.Request, Pass)            {}
func (silent) NeedLogin(http.ResponseWriter, *http.Request, Pass)          {}
func (silent) Forbidden(http.ResponseWriter, *http.Request, Pass, Verdict) {}
