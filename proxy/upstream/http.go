package upstream

import (
	"net/http"

	"coatcheck/proxy/upstream/direct"
)

// newHTTP speaks HTTP/1.1, over TCP or a unix socket.
func newHTTP(o Options, dial dialer) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return newTransport(o, dial, protocols)
}

// newTransport changes no body, and takes no proxy from the environment: requests with identity headers go to the configured
// address or nowhere.
func newTransport(o Options, dial dialer, protocols *http.Protocols) *http.Transport {
	return &http.Transport{
		DialContext:            dial.forTransport,
		Protocols:              protocols,
		ResponseHeaderTimeout:  o.ResponseHeaderTimeout,
		ExpectContinueTimeout:  continueTime,
		IdleConnTimeout:        o.IdleTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
	}
}

// newDirect carries what suits it. ended is called at the end of each answer.
func newDirect(o Options, dial dialer, ended func()) *direct.Transport {
	return direct.New(direct.Options{
		Dial: dial, MaxIdle: maxIdle, IdleTimeout: o.IdleTimeout, HeaderTimeout: o.ResponseHeaderTimeout, StallTimeout: o.StallTimeout,
		MaxHeader: maxHeader, MaxInterim: maxInterim, Ended: ended,
	})
}
