package proxy

import (
	"net/http"
	"testing"
)

func TestForeignSocket_4_4_2(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeLogin}, SocketOrigins: []string{"https://friend.example"}}}})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	cookie := session(g.login("1"))
	const passes, refused = http.StatusTeapot, http.StatusForbidden
	for name, c := range map[string]struct {
		headers string
		want    int
	}{
		"no browser":             {"Upgrade: websocket\r\n", passes},
		"own page":               {"Upgrade: websocket\r\nOrigin: http://app.example.com\r\n", passes},
		"page of another site":   {"Upgrade: websocket\r\nOrigin: http://evil.example\r\n", refused},
		"sibling host":           {"Upgrade: WebSocket\r\nOrigin: http://x.app.example.com\r\n", refused},
		"another port":           {"Upgrade: websocket\r\nOrigin: http://app.example.com:81\r\n", refused},
		"opaque origin":          {"Upgrade: websocket\r\nOrigin: null\r\n", refused},
		"origin that is allowed": {"Upgrade: websocket\r\nOrigin: https://friend.example\r\n", passes},
		"no WebSocket":           {"Origin: http://evil.example\r\n", passes},
	} {
		t.Run(name, func(t *testing.T) {
			text := g.raw("GET / HTTP/1.1\r\n" + hostLine + "Cookie: " + cookie + "\r\nConnection: Upgrade, close\r\n" + c.headers + "\r\n")
			if got := statusOf(text); got != c.want {
				t.Errorf("got %d, want %d\n%s", got, c.want, text)
			}
		})
	}
}
