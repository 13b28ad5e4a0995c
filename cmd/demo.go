package cmd

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

// demoUpstream answers from the built-in demo application, in this process.
type demoUpstream struct{ handler http.Handler }

// Target is a name that no network knows: nothing is dialled.
func (demoUpstream) Target() *url.URL { return &url.URL{Scheme: "http", Host: "demo.invalid"} }

// RoundTrip implements [http.RoundTripper].
func (d demoUpstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	page := &bufferedPage{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(page, r)
	return &http.Response{
		StatusCode: page.status, Status: http.StatusText(page.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: page.header, Body: io.NopCloser(&page.body), ContentLength: int64(page.body.Len()), Request: r,
	}, nil
}

// bufferedPage holds one answer of the demo, which is small.
type bufferedPage struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *bufferedPage) Header() http.Header         { return p.header }
func (p *bufferedPage) WriteHeader(status int)      { p.status = status }
func (p *bufferedPage) Write(b []byte) (int, error) { return p.body.Write(b) }
