package upstream_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/proxy/upstream"
)

func open(t *testing.T, o upstream.Options) *upstream.Upstream {
	t.Helper()
	u, err := upstream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func get(t *testing.T, u *upstream.Upstream) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.Target().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := u.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestNewRefuses(t *testing.T) {
	for _, raw := range []string{
		"", "127.0.0.1:3000", "ftp://host", "http://", "http://:80", "unix:relative.sock", "http://h/?q", "http://h/#f", "http://h//x",
		"http://user:secret@h", "http://[::1", "fcgi://h:9000", "fcgi://h", "fcgi+unix:rel", "h2c://h?q",
	} {
		_, err := upstream.New(upstream.Options{URL: raw})
		if err == nil {
			t.Errorf("New(%q) was accepted", raw)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q): the error shows the password: %v", raw, err)
		}
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Got-Encoding", r.Header.Get("Accept-Encoding"))
	_, _ = io.WriteString(w, "hello "+r.URL.Path)
}

func TestHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	res, body, err := get(t, open(t, upstream.Options{URL: s.URL + "/base"}))
	if err != nil || body != "hello /base" || res.Header.Get("Got-Encoding") != "" {
		t.Errorf("body %q, Accept-Encoding %q, %v", body, res.Header.Get("Got-Encoding"), err)
	}
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(hello)}}
	s.Start()
	defer s.Close()
	for _, raw := range []string{"unix:" + path, "unix://" + path} {
		if _, body, err := get(t, open(t, upstream.Options{URL: raw})); err != nil || body != "hello /" {
			t.Errorf("%s: %q, %v", raw, body, err)
		}
	}
}

func TestDown_F28(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	_, _, err := get(t, open(t, upstream.Options{URL: s.URL}))
	var refused *net.OpError
	if !errors.As(err, &refused) {
		t.Errorf("err = %v, want the dial error", err)
	}
}

func TestResponseHeaderTimeout_F28(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far) //nolint:errcheck // the silent upstream
		u := open(t, upstream.Options{URL: "http://silent", ResponseHeaderTimeout: time.Minute})
		u.SetDial(near)
		began := time.Now()
		_, _, err := get(t, u)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v, want a timeout after a minute", time.Since(began), err)
		}
	})
}
