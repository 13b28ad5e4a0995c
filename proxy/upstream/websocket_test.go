package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"coatcheck/proxy/upstream"

	"github.com/coder/websocket"
)

// A WebSocket passes both ways and holds its place until it is closed.
func TestWebSocket(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // ends it either way
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	defer app.Close()
	u := open(t, upstream.Options{URL: app.URL, MaxConns: 1, QueueTimeout: time.Millisecond, StallTimeout: 100 * time.Millisecond})
	p := front(t, u)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h1 := &http.Transport{TLSClientConfig: p.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	h1.TLSClientConfig.NextProtos = []string{"http/1.1"}
	defer h1.CloseIdleConnections()
	conn, _, err := websocket.Dial(ctx, p.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: h1}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		time.Sleep(150 * time.Millisecond) // silence is no end here
		if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, message, err := conn.Read(ctx); string(message) != "hello" || err != nil {
			t.Fatalf("%q, %v", message, err)
		}
	}
	if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); !errors.Is(err, upstream.ErrBusy) {
		t.Errorf("beside the WebSocket: %v, want that it is busy", err)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	for ctx.Err() == nil { // the proxy notices the end in its own time
		if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err == nil {
			return
		}
	}
	t.Error("the WebSocket's place was not given back")
}
