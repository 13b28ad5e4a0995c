package proxy

import (
	"errors"
	"net/http"
	"net/url"
)

// fixed is an upstream that has a target and nothing behind it.
type fixed string

func (f fixed) Target() *url.URL {
	u, err := url.Parse(string(f))
	if err != nil {
		panic(err)
	}
	return u
}

func (fixed) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing behind it")
}
