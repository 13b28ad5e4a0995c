package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// metrics are the samples of the admin listener, by name and labels.
func (p *process) metrics() map[string]float64 {
	p.t.Helper()
	res, err := http.Get(p.Admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	text := readAll(p.t, res.Body)
	if res.StatusCode != http.StatusOK {
		p.t.Fatalf("/metrics: %s\n%s", res.Status, text)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			samples[line[:i]], _ = strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		}
	}
	return samples
}

// The metrics say what happened, on the admin listener alone, and nothing that a client chose is a label.
func TestMetrics_13_4_5(t *testing.T) {
	p := serve(t, serveOptions{Config: "first_user: true\nlog: {level: error}\nroutes:\n  - {path: /, upstream: http://127.0.0.1:1}\n  - {path: /open, access: public, upstream: http://127.0.0.1:1}\n"})
	v := newVisitor(t, p.URL)
	v.post("/.auth/login", url.Values{"username": {"mallory"}, "password": {"guessed"}})
	v.login("admin", p.firstPassword())
	v.get("/chosen-by-client")
	v.get("/open/chosen-by-client")
	v.do(v.request("CHOSEN", "/", "", "Host", "chosen.example"))
	v.get("/%00chosen-by-client")
	soon(t, "the metrics tell", func() bool { return p.metrics()[`coatcheck_upstream_errors_total{route="/open"}`] == 1 })

	got := p.metrics()
	for sample, want := range map[string]float64{
		`coatcheck_events_total{event="login_ok"}`:                                                1,
		`coatcheck_events_total{event="login_failed"}`:                                            1,
		`coatcheck_events_total{event="login_throttled"}`:                                         0,
		`coatcheck_events_total{event="request_refused"}`:                                         1,
		`coatcheck_request_duration_seconds_count{code="5xx",route="/"}`:                          2,
		`coatcheck_request_duration_seconds_count{code="4xx",route="none"}`:                       1,
		`coatcheck_request_duration_seconds_count{code="3xx",route="portal"}`:                     1,
		`coatcheck_store_call_duration_seconds_count{call="create",result="ok",store="sessions"}`: 1,
		`coatcheck_store_call_duration_seconds_count{call="load",result="ok",store="users"}`:      1, // then from memory
		`coatcheck_fallback_key_uses_total{of="session_record"}`:                                  0,
		`coatcheck_hash_queue`: 0,
	} {
		if value, there := got[sample]; !there || value != want {
			t.Errorf("%s: got %v (there: %v), want %v", sample, value, there, want)
		}
	}
	if got["coatcheck_hash_queue_limit"] < 1 || got["process_open_fds"] < 1 {
		t.Errorf("limit of the hash queue %v, open files %v; want both above zero", got["coatcheck_hash_queue_limit"], got["process_open_fds"])
	}
	for sample := range got {
		for _, chosen := range []string{"chosen", "CHOSEN", "mallory", "admin", v.cookie("sessionid")} {
			if strings.Contains(sample, chosen) {
				t.Errorf("a client chose a label: %s", sample)
			}
		}
	}
	if res := newVisitor(t, p.URL).fetch("/metrics"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("/metrics at the public listener: got %s, want what any path of the application gets, 401", res.Status)
	}
}
