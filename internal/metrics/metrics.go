// Package metrics counts what the proxy does, for Prometheus. It is the only user of client_golang. Every label has few values: what a
// client can choose is never one.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"coatcheck/proxy"
)

// latency are the upper bounds of a request's time in seconds: what waits for us is short, what waits for an upstream need not be.
var latency = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// storeLatency are those of a call of a store, up to its time limit.
var storeLatency = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 2.5}

// Metrics holds the metrics of one process; they live on when its configuration is loaded anew. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	routes    routes
	requests  *prometheus.HistogramVec
	upstreams *prometheus.CounterVec
	inFlight  prometheus.Gauge
	events    *prometheus.CounterVec
	calls     *prometheus.HistogramVec
	fallbacks *prometheus.CounterVec
	reloads   *prometheus.CounterVec
	reloaded  prometheus.Gauge
	dropped   prometheus.Counter
	api       *prometheus.HistogramVec
	unaudited prometheus.Counter
}

// Build is what the binary was made of.
type Build struct{ Version, Revision, Go string }

// New returns the metrics of a process that was built as b says.
func New(b Build) *Metrics {
	m := &Metrics{
		routes:   routes{known: map[string]bool{}},
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "coatcheck_request_duration_seconds", Buckets: latency,
			Help: "Time from the first byte of a request to the last of its answer, by the route's host and path and by status class."}, []string{"route", "code"}),
		upstreams: counters("coatcheck_upstream_errors_total", "Requests whose upstream did not answer, or broke off.", "route"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "coatcheck_requests_in_flight",
			Help: "Requests that are being served, WebSockets among them."}),
		events: counters("coatcheck_events_total", "Events of the security log, by the name they have there.", "event"),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "coatcheck_store_call_duration_seconds", Buckets: storeLatency,
			Help: "Time of the calls of the session store and the user directory. Result absent: there is no such record; error: it could not be asked."},
			[]string{"store", "call", "result"}),
		fallbacks: counters("coatcheck_fallback_key_uses_total",
			"Sessions that were signed with a key of secret_key_fallbacks; when this stands still, the key can go.", "of"),
		reloads: counters("coatcheck_config_reloads_total", "Attempts to load the configuration anew.", "result"),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{Name: "coatcheck_config_last_load_timestamp_seconds",
			Help: "When the configuration in force was loaded."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "coatcheck_log_lines_dropped_total",
			Help: "Lines that were not logged because their reader did not keep up."}),
		unaudited: prometheus.NewCounter(prometheus.CounterOpts{Name: "coatcheck_audit_lines_dropped_total",
			Help: "Security events that are not in the audit log, because it could not be written."}),
	}
	m.api = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "coatcheck_session_api_call_duration_seconds", Buckets: storeLatency,
		Help: "Time of the calls of the session API, by method and status class."}, []string{"method", "code"})
	m.registry.MustRegister(m.api, m.requests, m.upstreams, m.inFlight, m.events, m.calls, m.fallbacks, m.reloads, m.reloaded, m.dropped, m.unaudited, buildInfo(b),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin()
	return m
}

// begin makes the counters whose values are known beforehand, so that a first event is seen as an increase from zero.
func (m *Metrics) begin() {
	for _, event := range []string{"login_ok", "login_failed", "login_throttled", "logout", "session_refused", "request_refused", "store_error"} {
		m.events.WithLabelValues(event)
	}
	for _, of := range []string{ofRecord, ofHash} {
		m.fallbacks.WithLabelValues(of)
	}
	for _, result := range []string{resultOK, resultError} {
		m.reloads.WithLabelValues(result)
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func buildInfo(b Build) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "coatcheck_build_info", Help: "What this binary was made of; always 1.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.Go}})
	info.Set(1)
	return info
}

// Handler serves the metrics. It belongs on the admin listener: they tell much.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// InFlight counts the requests that next is serving.
func (m *Metrics) InFlight(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, next)
}

// SessionAPI counts a call of the session API that has ended.
func (m *Metrics) SessionAPI(method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
	default:
		method = "other"
	}
	m.api.WithLabelValues(method, class(status)).Observe(took.Seconds())
}

// Observe counts an ended request; it is the Observe of [proxy.Options].
func (m *Metrics) Observe(o proxy.Observation) {
	route := m.routes.label(o.Route)
	m.requests.WithLabelValues(route, class(o.Status)).Observe(o.Took.Seconds())
	if o.Event == proxy.EventUpstreamFailed {
		m.upstreams.WithLabelValues(route).Inc()
	}
}

func class(status int) string {
	classes := [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	if i := status/100 - 1; i >= 0 && i < len(classes) {
		return classes[i]
	}
	return "other"
}

// Loaded notes that the configuration was loaded at the given time, or, with an error, that it was not.
func (m *Metrics) Loaded(at time.Time, err error) {
	if err != nil {
		m.reloads.WithLabelValues(resultError).Inc()
		return
	}
	m.reloads.WithLabelValues(resultOK).Inc()
	m.reloaded.Set(float64(at.UnixMilli()) / 1000)
}

// LogDropped notes a line that was not logged.
func (m *Metrics) LogDropped() { m.dropped.Inc() }

// AuditDropped notes a security event that the audit log does not have.
func (m *Metrics) AuditDropped() { m.unaudited.Inc() }
