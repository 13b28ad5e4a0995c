package proxy

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// What a request starts ends with it: clients that left, upgraded connections, refused bodies.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewTellsEverything(t *testing.T) {
	_, err := New(Options{
		Portal: http.NotFoundHandler(),
		Routes: []Route{{Path: "/a", Access: Access{Mode: ModeLogin}}, {Path: "b"}, {Host: "a b"}, {Path: "/ok"}, {Path: "/ok/"}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Stripper", "Cookie", "Sessions", "Principals", "Log", "AuthPrefix", "route /a: no upstream", `path "b"`, `host "a b"`, "same host, path"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	for _, prefix := range []string{"/", "auth", "/a/../b", "/a%20", "//"} {
		_, err := New(Options{Portal: http.NotFoundHandler(), AuthPrefix: prefix})
		if err == nil || !strings.Contains(err.Error(), "auth_prefix") {
			t.Errorf("auth_prefix %q: %v", prefix, err)
		}
	}
}
