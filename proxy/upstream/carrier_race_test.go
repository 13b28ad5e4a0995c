package upstream_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/proxy/upstream"
)

// whimsical answers with the path, as often and in such a form as the path says; now and then it breaks off.
func whimsical(w http.ResponseWriter, r *http.Request) {
	var n, form int
	_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &n, &form)
	body := strings.Repeat(r.URL.Path+"\n", n)
	switch form {
	case 0:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	case 1: // in chunks
		_ = http.NewResponseController(w).Flush()
	case 2:
		w.Header().Set("Connection", "close")
	case 3:
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		defer w.Header().Set("X-Sum", "1")
	case 4:
		_, _ = io.WriteString(w, body)
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, body)
}

// Many at once, of whom some give up at any moment: each gets the answer to its own request or an error, never another's (J4, F05).
func TestNobodyGetsAnothersAnswer_J4_F05(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		s := httptest.NewServer(http.HandlerFunc(whimsical))
		defer s.Close()
		u := by.open(t, upstream.Options{URL: s.URL, ResponseHeaderTimeout: 10 * time.Second, StallTimeout: 10 * time.Second})
		var all, whole atomic.Int32
		var askers sync.WaitGroup
		for asker := range 16 {
			askers.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(asker)))
				for i := range 100 {
					all.Add(1)
					n, form := random.IntN(300), random.IntN(5)
					path := fmt.Sprintf("/%d/%d/%d/%d", n, form, asker, i)
					if whimsically(t, u, random, path, n) {
						whole.Add(1)
					}
				}
			})
		}
		askers.Wait()
		if all, whole := all.Load(), whole.Load(); whole < all/4 || whole == all {
			t.Errorf("%d of %d requests were answered: this tests nothing", whole, all)
		}
	})
}

// whimsically asks for the path and leaves in the middle, perhaps. It reports whether the answer came whole.
func whimsically(t *testing.T, u *upstream.Upstream, random *rand.Rand, path string, n int) bool {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	whim := random.IntN(4)
	if whim == 0 {
		time.AfterFunc(time.Duration(random.IntN(1000))*time.Microsecond, cancel)
	}
	res, err := u.RoundTrip(forwarded(t, "GET", path, nil).WithContext(ctx))
	if err != nil {
		return false
	}
	defer res.Body.Close()
	if whim == 1 {
		time.AfterFunc(time.Duration(random.IntN(200))*time.Microsecond, func() { res.Body.Close() })
	}
	body, err := io.ReadAll(res.Body)
	if want := strings.Repeat(path+"\n", n); err == nil && string(body) != want || !strings.HasPrefix(want, string(body)) {
		t.Errorf("%s: got %d bytes, %.80q, %v", path, len(body), body, err)
	}
	return err == nil
}
