package storetest

import (
	"slices"
	"testing"
	"time"
)

// Call is one way of doing the same.
type Call struct {
	Name string
	Do   func() error
}

// compareBatch is how many calls are timed together.
const compareBatch = 8

// Compare times the calls in turn, so that what else the machine does meets all of them alike, and reports for each the median time in ns and its allocations;
// for those after the first also how much longer they take than the first, in per cent.
func Compare(b *testing.B, calls ...Call) {
	b.Helper()
	allocs := make([]float64, len(calls))
	for i, c := range calls {
		allocs[i] = testing.AllocsPerRun(50, func() { try(b, c) })
	}
	times := make([][]float64, len(calls))
	for round := 0; b.Loop(); round++ {
		for i := range calls {
			at := (i + round) % len(calls)
			begin := time.Now()
			for range compareBatch {
				try(b, calls[at])
			}
			times[at] = append(times[at], float64(time.Since(begin).Nanoseconds())/compareBatch)
		}
	}
	first := median(times[0])
	for i, c := range calls {
		b.ReportMetric(median(times[i]), c.Name+"-ns")
		b.ReportMetric(allocs[i], c.Name+"-allocs")
		if i > 0 {
			b.ReportMetric(100*(median(times[i])/first-1), c.Name+"-%")
		}
	}
	b.ReportMetric(0, "ns/op") // of all the calls together: says nothing
}

func try(b *testing.B, c Call) {
	if err := c.Do(); err != nil {
		b.Fatalf("%s: %v", c.Name, err)
	}
}

func median(times []float64) float64 {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
