package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProxy(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer app.Close()
	for _, pool := range []string{"yes", "no"} {
		t.Run("pool "+pool, func(t *testing.T) {
			t.Setenv("BAREPROXY_POOL", pool)
			handler, err := newProxy(app.URL)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second one with a used buffer
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/page", nil))
				if got := answer.Body.String(); got != "/page" {
					t.Errorf("got %q, want /page", got)
				}
			}
		})
	}
}
