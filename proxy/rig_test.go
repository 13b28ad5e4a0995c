package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/identity"
	"coatcheck/proxy/lane"
	"coatcheck/proxy/sessionapi"
	"coatcheck/proxy/sessioncookie"
	"coatcheck/proxy/upstream"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// laned: all tests of this package can be run on both ways into the proxy; without the variable, it is the one that is the default.
var laned = os.Getenv("COATCHECK_FAST_LANE") != "off"

// rig is a proxy on a real listener in front of a real upstream that remembers what it was asked.
type rig struct {
	t        testing.TB
	addr     string // of the proxy
	store    *testStore
	sessions *sessionstore.Sessions
	users    *directory
	app      *app
	log      *logBuffer
	handler  *Handler
	live     *Live
}

// directory answers for the users of a test, as auth.Service does for the value it finds in the session.
type directory struct {
	mu    sync.Mutex
	users map[string]auth.Principal
	flush bool  // every session turns out to be of an old password
	fault error // the user table cannot be asked
	asked int
}

func (d *directory) Principal(ctx context.Context, s *sessionstore.Session) (auth.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.fault != nil {
		return auth.Principal{}, d.fault
	}
	id, ok := s.GetString("_auth_user_id")
	if d.flush {
		return auth.Principal{}, s.Flush(ctx)
	}
	if !ok {
		return auth.Principal{Session: s}, nil
	}
	p := d.users[id]
	p.Session = s
	return p, nil
}

func (d *directory) set(id string, p auth.Principal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users = maps.Clone(d.users)
	d.users[id] = p
}

// testStore is the in-memory store with faults.
type testStore struct {
	*storetest.Memory
	mu     sync.Mutex
	calls  []string
	down   error
	refuse bool
	onSave func()
}

func (s *testStore) note(call string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	return s.down
}

func (s *testStore) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if err := s.note("load"); err != nil {
		return sessionstore.Record{}, err
	}
	if s.refuse {
		return sessionstore.Record{}, &sessionstore.RefusedError{Reason: "bad signature"}
	}
	return s.Memory.Load(ctx, key)
}

func (s *testStore) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	if err := s.note("update"); err != nil {
		return "", err
	}
	if s.onSave != nil {
		s.onSave()
	}
	return s.Memory.Update(ctx, key, rec)
}

func (s *testStore) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	if err := s.note("change"); err != nil {
		return err
	}
	if s.onSave != nil {
		s.onSave()
	}
	return s.Memory.Change(ctx, key, change)
}

func (s *testStore) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	if err := s.note("create"); err != nil {
		return "", err
	}
	return s.Memory.Create(ctx, key, rec)
}

// seen is the store calls since the last time it was asked.
func (s *testStore) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := strings.Join(s.calls, " ")
	s.calls = nil
	return calls
}

// app is the upstream. Without a handler it answers with what it saw, as JSON.
type app struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.HandlerFunc
	last    *asked
	count   int
}

type asked struct {
	Method, URI, Host, Body string
	Header, Trailer         http.Header
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	handler := a.handler
	a.count++
	a.mu.Unlock()
	if handler != nil {
		handler(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // not a whole request: nothing an application would act on
	}
	seen := &asked{r.Method, r.RequestURI, r.Host, string(body), r.Header, r.Trailer}
	a.mu.Lock()
	a.last = seen
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(seen)
}

func (a *app) serve(handler http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handler = handler
}

// requests is how many the upstream has had.
func (a *app) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

// taken is the last request the upstream saw, nil for none, and forgets it.
func (a *app) taken() *asked {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.last
	a.last = nil
	return last
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// waitFor waits until the log holds text: an access record is written after its answer has left.
func (l *logBuffer) waitFor(t testing.TB, text string) {
	t.Helper()
	for range 500 {
		if strings.Contains(l.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("log lacks %q:\n%s", text, l)
}

var usersOfTests = map[string]auth.Principal{
	"1": {ID: "1", Username: "alice", Email: "alice@example.com", Groups: []string{"dev"}},
	"2": {ID: "2", Username: "bob", Groups: []string{"ops"}},
	"3": {ID: "3", Username: "root", Staff: true, Superuser: true},
	"4": {ID: "4", Username: "eve\r\nRemote-User: root"},
}

// settings of a rig; the zero one is: path / needs login, a portal at /.auth, nobody trusted.
type settings struct {
	routes   []Route
	session  sessionstore.Settings
	cookie   sessioncookie.Options
	trusted  []string
	public   string
	fold     bool
	hsts     string
	observe  func(Observation)
	logins   Logins
	activity Activity
	left     string // see Options.TimeLeftHeader
	noPortal bool
	noLane   bool
	upstream string // a path: below the rig's own upstream
	pages    map[string]http.Handler
	tokens   *sessionapi.Tokens
}

func newRig(t testing.TB, s settings) *rig {
	t.Helper()
	g := &rig{t: t, app: &app{}, log: &logBuffer{}, users: &directory{users: usersOfTests}}
	g.app.Server = httptest.NewServer(g.app)
	t.Cleanup(g.app.Close)
	g.store = &testStore{Memory: storetest.NewMemory(time.Now)}
	if s.session.CookieAge == 0 {
		s.session.CookieAge = sessionstore.DefaultCookieAge
	}
	g.sessions = sessionstore.New(g.store, s.session, time.Now)
	g.live = NewLive(discardLog())
	g.handler = g.newHandler(s)
	server := NewServer(g.handler, slog.New(slog.NewJSONHandler(g.log, nil)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = listener.Addr().String()
	done := make(chan struct{})
	served := WatchedListener(listener)
	if laned && !s.noLane {
		front := lane.New(server, WatchedListener)
		t.Cleanup(front.Close)
		served = front.Listener(listener)
	}
	go func() { defer close(done); _ = server.Serve(served) }()
	t.Cleanup(func() { server.Close(); <-done })
	return g
}

func (g *rig) newHandler(s settings) *Handler {
	g.t.Helper()
	headers, err := identity.New(identity.Options{})
	if err != nil {
		g.t.Fatal(err)
	}
	if s.routes == nil {
		s.routes = []Route{{Path: "/", Access: Access{Mode: ModeLogin}}}
	}
	target := s.upstream
	if target == "" || target[0] == '/' {
		target = g.app.URL + target
	}
	to, err := upstream.New(upstream.Options{URL: target})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(to.Close)
	for i := range s.routes {
		if s.routes[i].Upstream == nil && s.routes[i].Access.Mode != ModeDeny && !s.routes[i].NoUpstream {
			s.routes[i].Upstream = to
		}
		s.routes[i].Identity = headers
	}
	s.cookie.Path, s.cookie.SameSite, s.cookie.HTTPOnly = "/", "Lax", true
	o := Options{
		Routes: s.routes, Portal: http.HandlerFunc(portalOfTests), AuthPrefix: "/.auth", Pages: s.pages, Live: g.live, FoldPaths: s.fold,
		Stripper: identity.NewStripper(headers.Names()...), Cookie: sessioncookie.New(s.cookie), Sessions: g.sessions, Principals: g.users,
		Log: slog.New(slog.NewJSONHandler(g.log, nil)), Observe: s.observe, HSTS: s.hsts, Logins: s.logins, Tokens: s.tokens,
		Activity: s.activity, TimeLeftHeader: s.left,
	}
	if s.noPortal {
		o.Portal, o.AuthPrefix = nil, ""
	}
	if s.public != "" {
		o.PublicURL, _ = url.Parse(s.public)
	}
	for _, network := range s.trusted {
		if network == "unix" {
			o.TrustUnix = true
			continue
		}
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(network))
	}
	h, err := New(o)
	if err != nil {
		g.t.Fatal(err)
	}
	return h
}

func portalOfTests(w http.ResponseWriter, r *http.Request) {
	f := facts.From(r.Context())
	fmt.Fprintf(w, "portal %s client=%v secure=%v host=%s id=%d", r.URL.Path, f.Client, f.Secure, f.Host, len(f.RequestID))
}

// login makes a session of a user and returns its key.
func (g *rig) login(id string) string {
	g.t.Helper()
	s, err := g.sessions.Open(g.t.Context(), "")
	if err == nil {
		err = s.Set("_auth_user_id", id)
	}
	if err == nil {
		err = s.Save(g.t.Context())
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.store.seen()
	return s.Key()
}

// answer is a response read to its end.
type answerOf struct {
	*http.Response
	body string
}

// get asks for a path (sent as it is) with headers given as name, value, ….
func (g *rig) get(path string, header ...string) answerOf {
	return g.do(http.MethodGet, path, "", header...)
}

func (g *rig) do(method, path, body string, header ...string) answerOf {
	g.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	host := "app.example.com"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			host = header[i+1]
			continue
		}
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	fmt.Fprintf(&b, "Host: %s\r\n", host)
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	all := g.raw(b.String() + "Connection: close\r\n\r\n" + body)
	return g.parse(method, all)
}

func (g *rig) parse(method, text string) answerOf {
	g.t.Helper()
	in := bufio.NewReader(strings.NewReader(text))
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		g.t.Fatalf("answer %q: %v", text, err)
	}
	read, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		g.t.Fatalf("answer %q: %v", text, err)
	}
	return answerOf{res, string(read)}
}

func (g *rig) dial() net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	g.t.Cleanup(func() { conn.Close() })
	return conn
}

// raw sends bytes and returns everything until the proxy closes the connection.
func (g *rig) raw(text string) string {
	g.t.Helper()
	conn := g.dial()
	if _, err := io.WriteString(conn, text); err != nil {
		g.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		g.t.Fatalf("sent %.200q: connection was not closed; got %q", text, all)
	}
	return string(all)
}

func session(key string) string { return "sessionid=" + key }
