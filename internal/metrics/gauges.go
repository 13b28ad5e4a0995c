package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// HashQueue shows what asked says each time the metrics are read: how many password checks run or wait, and how many may.
func (m *Metrics) HashQueue(asked func() (now, limit int)) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "coatcheck_hash_queue", Help: "Password checks that run or wait for their turn."},
			func() float64 { now, _ := asked(); return float64(now) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "coatcheck_hash_queue_limit", Help: "Password checks that may run or wait; more are answered 503."},
			func() float64 { _, limit := asked(); return float64(limit) }))
}

// Certificate is one that the proxy shows.
type Certificate struct {
	Name     string
	NotAfter time.Time
}

// Certificates shows what asked says each time the metrics are read. The names are the configured ones.
func (m *Metrics) Certificates(asked func() []Certificate) {
	m.registry.MustRegister(certificates(asked))
}

type certificates func() []Certificate

var expiry = prometheus.NewDesc("coatcheck_certificate_expiry_timestamp_seconds", "When the certificate in use for a name expires.", []string{"name"}, nil)

// Describe implements [prometheus.Collector].
func (certificates) Describe(to chan<- *prometheus.Desc) { to <- expiry }

// Collect implements [prometheus.Collector].
func (asked certificates) Collect(to chan<- prometheus.Metric) {
	for _, c := range asked() {
		to <- prometheus.MustNewConstMetric(expiry, prometheus.GaugeValue, float64(c.NotAfter.Unix()), c.Name)
	}
}

// Upstream is a member of a list.
type Upstream struct {
	Name   string // its configured URL
	Well   bool
	Active int64
}

// Upstreams shows what asked says each time the metrics are read, one name once.
func (m *Metrics) Upstreams(asked func() []Upstream) { m.registry.MustRegister(upstreams(asked)) }

type upstreams func() []Upstream

var (
	upstreamUp = prometheus.NewDesc("coatcheck_upstream_healthy", "1: the member of a list of upstreams gets requests; 0: it is left out.", []string{"upstream"}, nil)
	upstreamIn = prometheus.NewDesc("coatcheck_upstream_requests_in_flight", "Requests that a member of a list of upstreams has not ended answering.", []string{"upstream"}, nil)
)

// Describe implements [prometheus.Collector].
func (upstreams) Describe(to chan<- *prometheus.Desc) { to <- upstreamUp; to <- upstreamIn }

// Collect implements [prometheus.Collector]. Of a member of several lists the worse state counts, and all requests.
func (asked upstreams) Collect(to chan<- prometheus.Metric) {
	well, active := map[string]float64{}, map[string]float64{}
	for _, u := range asked() {
		now, seen := well[u.Name]
		if !u.Well {
			now = 0
		} else if !seen {
			now = 1
		}
		well[u.Name] = now
		active[u.Name] += float64(u.Active)
	}
	for name := range well {
		to <- prometheus.MustNewConstMetric(upstreamUp, prometheus.GaugeValue, well[name], name)
		to <- prometheus.MustNewConstMetric(upstreamIn, prometheus.GaugeValue, active[name], name)
	}
}

// Sessions shows what asked says each time the metrics are read: how many sessions were seen in the last five minutes.
func (m *Metrics) Sessions(asked func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "coatcheck_sessions_active",
		Help: "Sessions that this process has seen in the last five minutes."}, func() float64 { return float64(asked()) }))
}
