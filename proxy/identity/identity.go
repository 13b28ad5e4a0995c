// Package identity tells an upstream who its visitor is, in headers, and sees to it that nobody else can.
package identity

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"coatcheck/auth"
)

// Header is one identity header and what it carries.
type Header struct {
	Name string // letters, digits and dashes
	// Value is id, username, email, name, groups, staff, superuser, visitor or session:KEY.
	Value string
}

// Options say which headers upstreams get.
type Options struct {
	// Preset is remote (the default), x-forwarded, x-auth-request, x-webauth or none.
	Preset string
	// Headers are sent besides those of the preset; one of the same name replaces the preset's.
	Headers []Header
	// GroupSeparator stands between group names; default a comma.
	GroupSeparator string
	// VisitorKey makes visitor ids of what sessions hold ([VisitorName]); needed for the value visitor.
	VisitorKey []byte
}

// Field is a header as it is sent.
type Field struct{ Name, Value string }

// Headers writes the identity headers of one configuration. Safe for concurrent use.
type Headers struct {
	headers   []header
	separator string
	session   bool // some carry what follows from the session, not from the user alone
	visitors  []byte
}

type header struct {
	name  string // canonical
	value value
}

// presets: what others call them, so that an application's guide for them holds for us too.
func preset(name string) ([]Header, error) {
	switch name {
	case "", "remote": // Authelia, Caddy's and Traefik's guides
		return []Header{{"Remote-User", "username"}, {"Remote-Name", "name"}, {"Remote-Email", "email"}, {"Remote-Groups", "groups"}}, nil
	case "x-forwarded": // oauth2-proxy --pass-user-headers
		return withPrefix("X-Forwarded-"), nil
	case "x-auth-request": // oauth2-proxy --set-xauthrequest
		return withPrefix("X-Auth-Request-"), nil
	case "x-webauth": // Grafana's auth.proxy; Gitea reads the full name
		return []Header{{"X-Webauth-User", "username"}, {"X-Webauth-Email", "email"}, {"X-Webauth-Name", "name"}, {"X-Webauth-Fullname", "name"}, {"X-Webauth-Groups", "groups"}}, nil
	case "none":
		return nil, nil
	}
	return nil, fmt.Errorf("identity preset %q: use remote, x-forwarded, x-auth-request, x-webauth or none", name)
}

func withPrefix(p string) []Header {
	return []Header{{p + "User", "username"}, {p + "Preferred-Username", "username"}, {p + "Email", "email"}, {p + "Groups", "groups"}}
}

// New checks opts and reports everything that is wrong with them.
func New(opts Options) (*Headers, error) {
	all, err := preset(opts.Preset)
	errs := []error{err}
	h := &Headers{separator: opts.GroupSeparator, visitors: opts.VisitorKey}
	if h.separator == "" {
		h.separator = ","
	}
	if !plainText(h.separator) {
		errs = append(errs, fmt.Errorf("identity group_separator %q: control characters cannot be sent in a header", h.separator))
	}
	all = slices.DeleteFunc(all, func(p Header) bool {
		return slices.ContainsFunc(opts.Headers, func(o Header) bool { return foldName(o.Name) == foldName(p.Name) })
	})
	for _, o := range append(all, opts.Headers...) {
		errs = append(errs, h.add(o))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Headers) add(o Header) error {
	if err := checkName(o.Name); err != nil {
		return err
	}
	if slices.ContainsFunc(h.headers, func(e header) bool { return foldName(e.name) == foldName(o.Name) }) {
		return fmt.Errorf("identity header %q is listed twice; servers read - and _ as one", o.Name)
	}
	v, err := parseValue(o.Value)
	if err == nil && v.property == visitorProperty && len(h.visitors) == 0 {
		err = errors.New("the value visitor needs a key")
	}
	if err != nil {
		return fmt.Errorf("identity header %q: %w", o.Name, err)
	}
	h.session = h.session || !v.ofUser()
	h.headers = append(h.headers, header{http.CanonicalHeaderKey(o.Name), v})
	return nil
}

// Names returns the names of all headers, for [NewStripper].
func (h *Headers) Names() []string {
	names := make([]string, len(h.headers))
	for i, e := range h.headers {
		names[i] = e.name
	}
	return names
}

// Fields returns the headers that speak for p, to be set after everything else was removed and set. An empty value is no
// field. Text is sent as UTF-8. An anonymous principal has the values of its session, nothing else. The fields are shared by the requests of
// a user: they must not be changed.
//
// On an error nothing may be sent: a value that a receiver would read as another one (control characters, blanks at
// the ends, a group name that holds the separator, more than 8 KiB) is refused, not repaired.
func (h *Headers) Fields(p auth.Principal) ([]Field, error) {
	if h.session {
		return h.write(p)
	}
	w := p.OfUser(h, func() any {
		fields, err := h.write(p)
		return &written{slices.Clip(fields), err}
	}).(*written)
	return w.fields, w.err
}

// written is what Fields remembers of a user.
type written struct {
	fields []Field
	err    error
}

func (h *Headers) write(p auth.Principal) ([]Field, error) {
	fields := make([]Field, 0, len(h.headers))
	for _, e := range h.headers {
		text, err := h.text(e.value, p)
		if err != nil {
			return nil, fmt.Errorf("write identity header %s: %w", e.name, err)
		}
		if text != "" {
			fields = append(fields, Field{e.name, text})
		}
	}
	return fields, nil
}

// checkName refuses names that an upstream may not see as written, and those that are not ours to give a meaning.
func checkName(name string) error {
	if name == "" || !isPlain(name) {
		return fmt.Errorf("identity header name %q: use letters, digits and dashes; servers read other characters in different ways", name)
	}
	if isReserved(foldName(name)) {
		return fmt.Errorf("identity header name %q has a meaning in HTTP itself; choose another", name)
	}
	return nil
}

func isReserved(folded string) bool {
	switch folded {
	case "ACCEPT", "ACCEPT_ENCODING", "CONNECTION", "CONTENT_ENCODING", "CONTENT_LENGTH", "CONTENT_TYPE", "COOKIE", "DATE", "EXPECT", "FORWARDED", "HOST",
		"HTTP2_SETTINGS", "KEEP_ALIVE", "ORIGIN", "PROXY", "RANGE", "SET_COOKIE", "TE", "TRAILER", "TRANSFER_ENCODING", "UPGRADE", "VIA",
		"X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_SESSION_TOKEN":
		return true
	}
	return strings.HasPrefix(folded, "SEC_") || strings.HasPrefix(folded, "PROXY_")
}

// plainText: valid UTF-8 without control characters, C1 ones included.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 })
}
