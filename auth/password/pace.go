package password

import (
	"sync/atomic"
	"time"
)

// learnFrom is the smallest share of a full hash that is long enough to measure.
const learnFrom = 0.25

// pace knows how long one hash of the preferred format takes here and now, so that the work of another format can be counted in it.
type pace struct{ full atomic.Int64 } // nanoseconds; 0: not known yet

// learn takes in that share of a full hash took d. The average moves by an eighth: load changes, one slow check does not count much.
func (p *pace) learn(share float64, d time.Duration) {
	if share < learnFrom || d <= 0 {
		return
	}
	measured := int64(float64(d) / share)
	if old := p.full.Load(); old > 0 {
		measured = old + (measured-old)/8
	}
	p.full.Store(measured)
}

// missing is the share of a full hash that is still to do after spent; everything as long as the pace is not known.
func (p *pace) missing(spent time.Duration) float64 {
	full := p.full.Load()
	if full <= 0 {
		return 1
	}
	return max(0, 1-float64(spent)/float64(full))
}
