package wire

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func get(path string) []byte { return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path) }

// A load with a total sends each request exactly once, whatever the number of connections, and tells statuses apart.
func TestLoadTotal(t *testing.T) {
	var lock sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		seen[r.URL.Path]++
		lock.Unlock()
		body := strings.Repeat("x", 100<<10) // in several pieces
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if r.URL.Path == "/7" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	var requests [][]byte
	for i := range 20 {
		requests = append(requests, get(fmt.Sprint("/", i)))
	}
	result, err := Load{Addr: strings.TrimPrefix(server.URL, "http://"), Conns: 3, Requests: requests, Total: len(requests)}.Run(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if result.Answers != 19 || result.Others != 1 || len(result.Latencies) != 19 || !strings.Contains(result.Other, "418") {
		t.Errorf("got %d answers, %d others (%q), %d latencies; want 19, 1 (418), 19", result.Answers, result.Others, result.Other, len(result.Latencies))
	}
	lock.Lock() // the last answers are there before their handlers have ended
	defer lock.Unlock()
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s: sent %d times, want once", path, n)
		}
	}
}

func TestLoadFails(t *testing.T) {
	for name, answer := range map[string]string{
		"no length":    "HTTP/1.1 200 OK\r\n\r\n",
		"closed early": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive5",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, answer)
			}))
			defer server.Close()
			if result, err := (Load{Addr: strings.TrimPrefix(server.URL, "http://"), Conns: 1, Requests: [][]byte{get("/")}, Total: 1}).Run(time.Minute); err == nil {
				t.Errorf("got %+v, want an error", result)
			}
		})
	}
}
