package health_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/proxy/health"
)

func ask(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestReady_F01(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var down error
	h := health.New(func() time.Time { return now },
		health.Check{Name: "database", Ask: func(context.Context) error { return down }},
		health.Check{Name: "cache", Ask: func(context.Context) error { return nil }})
	if w := ask(h, "/readyz"); w.Code != 200 {
		t.Errorf("all up: %d %s", w.Code, w.Body)
	}
	down = errors.New("connection refused")
	ask(h, "/readyz")
	now = now.Add(time.Hour)
	w := ask(h, "/readyz")
	for _, want := range []string{`"database","status":"down","since":"2026-01-02T03:04:05Z","error":"connection refused"`, `"cache","status":"up"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("body %s lacks %s", w.Body, want)
		}
	}
	if w.Code != 503 {
		t.Errorf("database down: %d, want 503", w.Code)
	}
	for _, path := range []string{"/healthz", "/livez"} {
		if w := ask(h, path); w.Code != 200 {
			t.Errorf("%s with a store down: %d, want 200", path, w.Code)
		}
	}
	down = nil
	if w := ask(h, "/readyz"); w.Code != 200 {
		t.Errorf("back: %d %s", w.Code, w.Body)
	}
}

func TestSilentStoreIsDown_F02(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New(time.Now, health.Check{Name: "cache", Ask: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		began := time.Now()
		if w := ask(h, "/readyz"); w.Code != 503 || time.Since(began) > 5*time.Second {
			t.Errorf("%d after %v, want 503 within 5 s", w.Code, time.Since(began))
		}
	})
}
