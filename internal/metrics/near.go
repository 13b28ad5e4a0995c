package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"coatcheck/internal/feed"
	"coatcheck/internal/near"
)

// Near is what is kept in memory, and what vouches for it.
type Near struct {
	Caches []NearCache
	Feeds  []feed.State
}

// NearCache is one cache.
type NearCache struct {
	Of string // sessions or users
	near.Stats
}

// NearCaches shows what asked says each time the metrics are read. The counters begin anew with each configuration.
func (m *Metrics) NearCaches(asked func() Near) { m.registry.MustRegister(nearCaches(asked)) }

type nearCaches func() Near

var (
	nearUses = prometheus.NewDesc("coatcheck_near_cache_requests_total",
		"Uses of what is kept in memory. Result hit: it was there; miss: it was read; past: it was read because changes made elsewhere were not heard.",
		[]string{"of", "result"}, nil)
	nearEntries = prometheus.NewDesc("coatcheck_near_cache_entries", "How much is kept in memory, by number.", []string{"of"}, nil)
	nearBytes   = prometheus.NewDesc("coatcheck_near_cache_bytes", "How much is kept in memory, in bytes, about.", []string{"of"}, nil)
	feedHeard   = prometheus.NewDesc("coatcheck_feed_heard", "1: changes made elsewhere are heard, and what is in memory is believed.", []string{"of"}, nil)
	feedAge     = prometheus.NewDesc("coatcheck_feed_age_seconds", "Since the latest sign of life of what tells of changes.", []string{"of"}, nil)
)

// Describe implements [prometheus.Collector].
func (nearCaches) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{nearUses, nearEntries, nearBytes, feedHeard, feedAge} {
		to <- d
	}
}

// Collect implements [prometheus.Collector]. Of several feeds of one cache the worst counts.
func (asked nearCaches) Collect(to chan<- prometheus.Metric) {
	now := asked()
	for _, c := range now.Caches {
		for result, n := range map[string]int64{"hit": c.Hits, "miss": c.Misses, "past": c.Past} {
			to <- prometheus.MustNewConstMetric(nearUses, prometheus.CounterValue, float64(n), c.Of, result)
		}
		to <- prometheus.MustNewConstMetric(nearEntries, prometheus.GaugeValue, float64(c.Entries), c.Of)
		to <- prometheus.MustNewConstMetric(nearBytes, prometheus.GaugeValue, float64(c.Bytes), c.Of)
	}
	for of, f := range worst(now.Feeds) {
		heard := 0.0
		if f.Heard {
			heard = 1
		}
		to <- prometheus.MustNewConstMetric(feedHeard, prometheus.GaugeValue, heard, of)
		to <- prometheus.MustNewConstMetric(feedAge, prometheus.GaugeValue, f.Age.Seconds(), of)
	}
}

func worst(feeds []feed.State) map[string]feed.State {
	of := map[string]feed.State{}
	for _, f := range feeds {
		if w, ok := of[f.Of]; ok {
			f.Heard, f.Age = f.Heard && w.Heard, max(f.Age, w.Age)
		}
		of[f.Of] = f
	}
	return of
}
