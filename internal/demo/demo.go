// Package demo is the application that serve runs behind itself when no upstream is configured: it shows whom it takes the
// visitor for, and every header it received.
package demo

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var source string

// Options name what the demo links to.
type Options struct {
	AuthPrefix string // of the proxy's own pages; default /.auth
}

// view is what both forms of the answer show.
type view struct {
	Username   string   `json:"username"` // empty: nobody
	Name       string   `json:"name"`
	Email      string   `json:"email"`
	Groups     []string `json:"groups"`
	Method     string   `json:"method"`
	Host       string   `json:"host"`
	Path       string   `json:"path"`
	Headers    []header `json:"-"`
	AuthPrefix string   `json:"-"`
	// Received are the headers as they came.
	Received http.Header `json:"headers"`
}

type header struct {
	Name, Value string
	Identity    bool // one of those that say who the visitor is
}

// New returns the demo application. It believes the Remote-* headers, as any application behind an authenticating proxy does.
func New(opts Options) http.Handler {
	if opts.AuthPrefix == "" {
		opts.AuthPrefix = "/.auth"
	}
	page := template.Must(template.New("demo").Parse(source))
	policy := policyFor(source)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := viewOf(r)
		v.AuthPrefix = opts.AuthPrefix
		w.Header().Set("Content-Security-Policy", policy)
		if wantsJSON(r) {
			writeJSON(w, v)
			return
		}
		var body bytes.Buffer
		if err := page.Execute(&body, v); err != nil {
			http.Error(w, "the page could not be written", http.StatusInternalServerError)
			return
		}
		write(w, "text/html; charset=utf-8", body.Bytes())
	})
}

func viewOf(r *http.Request) view {
	v := view{
		Username: r.Header.Get("Remote-User"), Name: r.Header.Get("Remote-Name"), Email: r.Header.Get("Remote-Email"),
		Groups: []string{}, Method: r.Method, Host: r.Host, Path: r.URL.RequestURI(), Received: r.Header,
	}
	if groups := r.Header.Get("Remote-Groups"); groups != "" {
		v.Groups = strings.Split(groups, ",")
	}
	for name, values := range r.Header {
		for _, value := range values {
			v.Headers = append(v.Headers, header{name, value, strings.HasPrefix(name, "Remote-")})
		}
	}
	slices.SortStableFunc(v.Headers, func(a, b header) int {
		if a.Identity != b.Identity {
			return map[bool]int{true: -1, false: 1}[a.Identity]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return v
}

// wantsJSON: asked for by its name, and HTML is not.
func wantsJSON(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header["Accept"], ","))
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func writeJSON(w http.ResponseWriter, v view) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	write(w, "application/json; charset=utf-8", append(body, '\n'))
}

func write(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: browsers would send the log-out form with "Origin: null", which the proxy refuses.
	h.Set("Referrer-Policy", "same-origin")
	_, _ = w.Write(body) // a client that left is seen by the proxy
}

// policyFor allows the page's one style element by its hash, an empty icon and the log-out form.
func policyFor(html string) string {
	_, rest, _ := strings.Cut(html, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
