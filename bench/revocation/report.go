package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

type report struct {
	options    options
	began      time.Time
	rows, cuts []row
	missing    []string
}

func (r *report) stale() int {
	n := 0
	for _, list := range [][]row{r.rows, r.cuts} {
		for _, row := range list {
			n += row.stale + row.own
		}
	}
	return n
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# How soon the others refuse\n\nMade by `make bench BENCH=revocation` (`go run ./bench/revocation`) on %s, in %v: %d cores, %s.\n\n",
		r.began.Format("2006-01-02 15:04 UTC"), time.Since(r.began).Round(time.Second), runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(&b, "Two and five coatcheck processes on one store. In each round every process is asked with one session without a pause (%v between two requests), the session is ended by a logout at the first process, "+
		"or by a statement in the user table as another program beside the fleet would send it, and the delay of each other process is the time from the acknowledgement until the first request began that was refused, "+
		"and none was let in later. *Stale* are requests that began after the bound and were let in, at any process. *Own* are requests that the process that had answered the logout let in after it. "+
		"All processes, the stores and the questions share the machine's cores.\n\n", probePause)
	for _, reason := range r.missing {
		fmt.Fprintf(&b, "Not measured: %s\n\n", reason)
	}
	b.WriteString("| engine | processes | way | delays | p50, ms | p99, ms | longest, ms | bound, ms | stale | own | 503 |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range r.rows {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %d | %d |\n", row.engine, row.processes, row.way, row.figures(), row.stale, row.own, row.busy)
	}
	if len(r.cuts) == 0 {
		return b.String()
	}
	b.WriteString("\n## While feeds are cut\n\nRight before the end of each session the connections are cut by which processes hear of changes: Redis `CLIENT KILL`, PostgreSQL `pg_terminate_backend`. " +
		"Where none was cut there was none: each request asked the store.\n\n| engine | processes | way | delays | p50, ms | p99, ms | longest, ms | bound, ms | cut | stale | 503 |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range r.cuts {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %d | %d |\n", row.engine, row.processes, row.way, row.figures(), row.cut, row.stale, row.busy)
	}
	return b.String()
}

// figures are the count, the quantiles and the bound.
func (r *row) figures() string {
	sorted := r.sorted()
	if len(sorted) == 0 {
		return "0 | – | – | – | –"
	}
	at := func(share float64) float64 {
		return millis(sorted[min(int(share*float64(len(sorted))), len(sorted)-1)])
	}
	bound := "at once"
	if r.bound > 0 {
		bound = fmt.Sprint(r.bound.Milliseconds())
	}
	return fmt.Sprintf("%d | %.1f | %.1f | %.1f | %s", len(sorted), at(0.5), at(0.99), at(1), bound)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
