package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// shown are the samples as Prometheus reads them, by name and labels.
func shown(t *testing.T, m *Metrics) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("/metrics: %d\n%s", answer.Code, answer.Body)
	}
	samples := map[string]string{}
	for line := range strings.Lines(answer.Body.String()) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			samples[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return samples
}

func expect(t *testing.T, m *Metrics, want map[string]string) {
	t.Helper()
	got := shown(t, m)
	for sample, value := range want {
		if got[sample] != value {
			t.Errorf("%s: got %q, want %q", sample, got[sample], value)
		}
	}
}

func TestRequests(t *testing.T) {
	m := New(Build{Version: "v1.2.3", Revision: "abc", Go: "go1"})
	for _, o := range []proxy.Observation{
		{Route: "/", Status: 200, Took: 3 * time.Millisecond}, {Route: "/", Status: 204, Took: 2 * time.Second}, {Route: "/", Status: 499},
		{Route: "/app", Status: 502, Event: proxy.EventUpstreamFailed}, {Route: proxy.RoutePortal, Status: 303}, {Route: proxy.RoutePortal, Status: 999},
	} {
		m.Observe(o)
	}
	m.LogDropped()
	expect(t, m, map[string]string{
		`coatcheck_request_duration_seconds_count{code="2xx",route="/"}`:             "2",
		`coatcheck_request_duration_seconds_bucket{code="2xx",route="/",le="0.005"}`: "1",
		`coatcheck_request_duration_seconds_count{code="4xx",route="/"}`:             "1",
		`coatcheck_request_duration_seconds_count{code="5xx",route="/app"}`:          "1",
		`coatcheck_request_duration_seconds_count{code="3xx",route="portal"}`:        "1",
		`coatcheck_request_duration_seconds_count{code="other",route="portal"}`:      "1",
		`coatcheck_upstream_errors_total{route="/app"}`:                              "1",
		`coatcheck_build_info{goversion="go1",revision="abc",version="v1.2.3"}`:      "1",
		`coatcheck_log_lines_dropped_total`:                                          "1",
	})
}

func TestInFlight(t *testing.T) {
	m := New(Build{})
	handler := m.InFlight(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		expect(t, m, map[string]string{"coatcheck_requests_in_flight": "1"})
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	expect(t, m, map[string]string{"coatcheck_requests_in_flight": "0"})
}

func TestEvents_16_3(t *testing.T) {
	m := New(Build{})
	expect(t, m, map[string]string{`coatcheck_events_total{event="login_failed"}`: "0"})
	var text bytes.Buffer
	log := slog.New(m.Events(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn})))
	log.Warn("security event", "event", "login_failed", "user", "bob")
	log.Info("security event", "event", "login_ok")
	log.With("a", 1).WithGroup("g").Info("security event", "event", "session_renewed")
	log.Debug("security event", "event", "debugged")
	log.Info("no event")
	if got := strings.Count(text.String(), "\n"); got != 1 || !strings.Contains(text.String(), "bob") {
		t.Errorf("logged %q, want the warning alone", &text)
	}
	expect(t, m, map[string]string{
		`coatcheck_events_total{event="login_failed"}`: "1", `coatcheck_events_total{event="login_ok"}`: "1",
		`coatcheck_fallback_key_uses_total{of="session_hash"}`: "1", `coatcheck_events_total{event="debugged"}`: "",
	})
}

func TestStoreIsWhatItWas(t *testing.T) {
	storetest.Run(t, storetest.Harness{New: func(t testing.TB, now func() time.Time) *storetest.Place {
		m, memory := New(Build{}), storetest.NewMemory(now)
		return &storetest.Place{Open: func() sessionstore.Store { return m.Store(memory) }}
	}, Traits: storetest.Traits{Pickles: true}})
}

// faulty answers each call in one way.
type faulty struct {
	sessionstore.Store
	rec sessionstore.Record
	err error
}

func (f faulty) Load(context.Context, string) (sessionstore.Record, error) { return f.rec, f.err }
func (f faulty) User(context.Context, string) (auth.User, error)           { return auth.User{}, f.err }
func (f faulty) Update(context.Context, string, sessionstore.Record) (string, error) {
	return "", f.err
}

type grammatical struct{ faulty }

func (grammatical) ValidKey(string) bool { return true }

func TestStoreCalls(t *testing.T) {
	m := New(Build{})
	for _, err := range []error{nil, sessionstore.ErrNotFound, &sessionstore.RefusedError{}, errors.New("down"), fmt.Errorf("ask: %w", context.Canceled)} {
		if _, got := m.Store(faulty{err: err}).Load(t.Context(), "k"); got != err {
			t.Errorf("got error %v, want %v", got, err)
		}
	}
	_, _ = m.Store(faulty{err: sessionstore.ErrGone}).Update(t.Context(), "k", sessionstore.Record{})
	_, _ = m.Store(faulty{rec: sessionstore.Record{Resign: true}}).Load(t.Context(), "k")
	for _, err := range []error{auth.ErrNoUser, context.DeadlineExceeded} {
		_, _ = m.Directory(faulty{err: err}).User(t.Context(), "1")
	}
	name := `coatcheck_store_call_duration_seconds_count{call="%s",result="%s",store="%s"}`
	expect(t, m, map[string]string{
		fmt.Sprintf(name, "load", "ok", "sessions"): "2", fmt.Sprintf(name, "load", "absent", "sessions"): "2",
		fmt.Sprintf(name, "load", "error", "sessions"): "1", fmt.Sprintf(name, "load", "cancelled", "sessions"): "1",
		fmt.Sprintf(name, "update", "absent", "sessions"): "1", fmt.Sprintf(name, "load", "absent", "users"): "1",
		fmt.Sprintf(name, "load", "error", "users"): "1", `coatcheck_fallback_key_uses_total{of="session_record"}`: "1",
	})
	_, plain := m.Store(faulty{}).(sessionstore.KeyGrammar)
	_, own := m.Store(grammatical{}).(sessionstore.KeyGrammar)
	if plain || !own {
		t.Errorf("grammar of keys: plain store %v, store with its own %v; want false, true", plain, own)
	}
}

func TestGauges_11_1_1_F31(t *testing.T) {
	m := New(Build{})
	m.HashQueue(func() (int, int) { return 3, 34 })
	m.Certificates(func() []Certificate { return []Certificate{{"app.example.com", time.Unix(1800000000, 0)}} })
	m.Loaded(time.UnixMilli(1700000000500), nil)
	m.Loaded(time.Time{}, errors.New("bad file"))
	expect(t, m, map[string]string{
		"coatcheck_hash_queue": "3", "coatcheck_hash_queue_limit": "34",
		`coatcheck_certificate_expiry_timestamp_seconds{name="app.example.com"}`: "1.8e+09",
		"coatcheck_config_last_load_timestamp_seconds":                           "1.7000000005e+09",
		`coatcheck_config_reloads_total{result="error"}`:                         "1",
	})
}

func TestUpstreams(t *testing.T) {
	m := New(Build{})
	m.Upstreams(func() []Upstream {
		return []Upstream{{"http://a", true, 2}, {"http://b", true, 1}, {"http://b", false, 3}}
	})
	m.Sessions(func() int { return 7 })
	expect(t, m, map[string]string{
		`coatcheck_upstream_healthy{upstream="http://a"}`: "1", `coatcheck_upstream_healthy{upstream="http://b"}`: "0",
		`coatcheck_upstream_requests_in_flight{upstream="http://b"}`: "4", "coatcheck_sessions_active": "7",
	})
}

// Ten thousand routes do not make a hundred thousand time series.
func TestRoutesAreBounded_13_4_5(t *testing.T) {
	m := New(Build{})
	for i := range 10_000 {
		m.Observe(proxy.Observation{Route: fmt.Sprintf("/%d", i), Status: 200})
	}
	m.Observe(proxy.Observation{Route: "/0", Status: 200})
	got := shown(t, m)
	if n := len(got); n > 10_000 {
		t.Errorf("%d time series, want at most 10 000", n)
	}
	expect(t, m, map[string]string{
		`coatcheck_request_duration_seconds_count{code="2xx",route="/0"}`:    "2",
		`coatcheck_request_duration_seconds_count{code="2xx",route="other"}`: fmt.Sprint(10_000 - maxRoutes),
	})
}

func BenchmarkObserve(b *testing.B) {
	m := New(Build{})
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(proxy.Observation{Route: "/app", Status: 200, Took: time.Millisecond})
	}
}
