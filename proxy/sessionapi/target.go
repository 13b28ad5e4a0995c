package sessionapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxName bounds the name of a value, in bytes.
const maxName = 255

// target is what a call is about: all of the session, one value of it, or its expiry.
type target struct {
	place place
	name  string // of a value
}

type place int

const (
	nowhere place = iota
	atSession
	atValue
	atExpiry
)

// targetOf reads an escaped path. A slash in a name has to be escaped.
func targetOf(path string) (target, bool) {
	switch path {
	case "/session":
		return target{place: atSession}, true
	case "/expiry":
		return target{place: atExpiry}, true
	}
	escaped, found := strings.CutPrefix(path, "/session/")
	name, err := url.PathUnescape(escaped)
	if !found || err != nil || name == "" || len(name) > maxName || strings.Contains(escaped, "/") || !utf8.ValidString(name) {
		return target{}, false
	}
	return target{atValue, name}, true
}

// String names the target for logs, without the name of a value, which is the application's.
func (t target) String() string {
	return [...]string{"", "/session", "/session/NAME", "/expiry"}[t.place]
}

// hidden: the name belongs to Django or to the proxy.
func (t target) hidden() bool { return strings.HasPrefix(t.name, "_") }

func (t target) methods() map[string]func(*call) error {
	switch t.place {
	case atSession:
		return map[string]func(*call) error{http.MethodGet: (*call).getSession, http.MethodHead: (*call).getSession, http.MethodDelete: (*call).flush}
	case atExpiry:
		return map[string]func(*call) error{http.MethodGet: (*call).getExpiry, http.MethodHead: (*call).getExpiry, http.MethodPut: (*call).putExpiry}
	}
	return map[string]func(*call) error{
		http.MethodGet: (*call).getValue, http.MethodHead: (*call).getValue, http.MethodPut: (*call).putValue, http.MethodDelete: (*call).deleteValue}
}

func (t target) allow() string {
	var names []string
	for name := range t.methods() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
