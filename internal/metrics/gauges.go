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
