package main

import (
	"fmt"
	"strings"
	"time"
)

// quoted is what could not be measured here: oauth2-proxy comes neither as a package of the distribution nor as a module that can be built by name.
const quoted = "oauth2-proxy is to be had neither as a package of the distribution nor as a Go module here. Its figure for a cookie or Redis session, **169 µs** of CPU per request, " +
	"is quoted from an earlier measurement on the same kind of machine, not measured in this run.\n"

// oauth2Proxy is that figure.
const oauth2Proxy = 169 * time.Microsecond

func (r *results) markdown(o options) string {
	var b strings.Builder
	r.head(&b, o)
	r.goals(&b)
	r.tables(&b)
	if r.extra.kept > 0 {
		r.extra.markdown(&b)
	}
	return b.String()
}

func (r *results) head(b *strings.Builder, o options) {
	m := r.machine
	fmt.Fprintf(b, "# Coatcheck beside other proxies\n\nMade by `make bench BENCH=compare` (`go run ./bench/compare`) on %s, in %v.\n\n", m.date.Format("2006-01-02 15:04 UTC"), r.took.Round(time.Second))
	fmt.Fprintf(b, "%s, %d cores, %s; load average at the start %s.\n\n", m.cpu, m.cores, m.kernel, m.load)
	if m.busy() {
		b.WriteString("**The machine was busy with other work**: these figures show that the program runs, and little more.\n\n")
	}
	for _, version := range m.versions {
		fmt.Fprintf(b, "- %s\n", version)
	}
	fmt.Fprintf(b, "\nEach proxy runs alone on core %d; load, upstream and stores share core %d. GET, keep-alive, %d requests at once, answers of 1 KiB; %d rounds of %v each, all subjects in turn, medians. "+
		"No proxy writes an access log. The load has a session for each connection (%d), and every answer has to be 200. *CPU* is user and system time of the proxy's processes per request, *spread* the difference between "+
		"the dearest and the cheapest round. The load is `bench/wire`: requests ready-made, one thread, epoll; over HTTP/2 %d connections of %d streams (`bench/compare/h2.go`). The upstream is `bench/respond`.\n\n",
		o.proxyCore, o.loadCore, conns, o.rounds, o.length, warmSessions, h2Conns, h2Streams)
	if len(r.missing) > 0 {
		b.WriteString("Not measured:\n\n")
		for _, a := range r.missing {
			fmt.Fprintf(b, "- %s: %s\n", a.name, a.reason)
		}
		b.WriteByte('\n')
	}
	b.WriteString(quoted)
}

// of finds a subject's CPU per request, 0 when it was not measured.
func of(list []figures, name string) time.Duration {
	for _, f := range list {
		if f.name == name {
			return f.cpu
		}
	}
	return 0
}

// goalEngines are those that the goals name.
var goalEngines = [...]string{"coatcheck-db-sqlite", "coatcheck-cache-redis", "coatcheck-cached_db-redis", "coatcheck-signed_cookies"}

// goals holds the warm figures against what was promised.
func (r *results) goals(b *strings.Builder) {
	b.WriteString("\n## Goals\n\n| warm session | CPU, µs | of nginx auth_request (goal ≤ 1.0, target 0.9) | of httputil.ReverseProxy (goal ≤ 0.65) | oauth2-proxy costs, times (goal ≥ 8) |\n|---|---|---|---|---|\n")
	for _, name := range goalEngines {
		cpu := of(r.warm, name)
		if cpu == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s | %.1f | %s | %s | %s |\n", name, micros(cpu), atMost(cpu, of(r.warm, "nginx-auth"), 1), atMost(cpu, of(r.warm, "bare"), 0.65), atLeast(oauth2Proxy, cpu, 8))
	}
}

func atMost(a, b time.Duration, limit float64) string {
	if b == 0 {
		return "–"
	}
	ratio := float64(a) / float64(b)
	return fmt.Sprintf("%.2f %s", ratio, mark(ratio <= limit))
}

func atLeast(a, b time.Duration, limit float64) string {
	ratio := float64(a) / float64(b)
	return fmt.Sprintf("%.1f %s", ratio, mark(ratio >= limit))
}

func mark(met bool) string {
	if met {
		return "✓"
	}
	return "✗"
}

func (r *results) tables(b *strings.Builder) {
	b.WriteString("\n## Warm: one session per connection, seen before\n\n")
	table(b, r.warm, false)
	b.WriteString("\n## Over HTTP/2 and TLS\n\n")
	table(b, r.warm, true)
	if len(r.cold) > 0 {
		b.WriteString("\n## Cold: the first request of each session\n\nEach request has a session that the process has not seen. The CPU of the store's own server is not in it.\n\n")
		table(b, r.cold, false)
	}
}

func table(b *strings.Builder, list []figures, h2 bool) {
	suffix := ""
	if h2 {
		suffix = "-h2"
	}
	auth, bare := of(list, "nginx-auth"+suffix), of(list, "bare"+suffix)
	b.WriteString("| subject | | CPU, µs | spread | requests/s | p50, ms | p99, ms | RSS, MB | of nginx-auth | of bare |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range list {
		if strings.HasSuffix(f.name, "-h2") == h2 {
			fmt.Fprintf(b, "| %s | %s | %.1f | %.0f %% | %.0f | %.2f | %.2f | %.0f | %s | %s |\n", f.name, f.says, micros(f.cpu), f.spread*100, f.perSec,
				millis(f.p50), millis(f.p99), float64(f.memory)/1e6, ratio(f.cpu, auth), ratio(f.cpu, bare))
		}
	}
}

func ratio(a, b time.Duration) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

func millis(d time.Duration) float64 { return micros(d) / 1000 }

func (x *extra) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Start and memory\n\n| | measured | goal |\n|---|---|---|\n")
	fmt.Fprintf(b, "| start to the first answer (login page), SQLite, built-in application | %.0f ms | < 50 ms %s |\n", millis(x.start), mark(x.start < 50*time.Millisecond))
	fmt.Fprintf(b, "| the very first start: makes tables, key and first user, whose password is hashed | %.0f ms | |\n", millis(x.firstStart))
	fmt.Fprintf(b, "| idle RSS | %.1f MB | < 20 MB %s |\n", float64(x.idle)/1e6, mark(x.idle < 20e6))
	fmt.Fprintf(b, "| RSS after %d sessions were seen, under load | %.1f MB | < 80 MB %s |\n", x.kept, float64(x.keptMemory)/1e6, mark(x.keptMemory < 80e6))
	fmt.Fprintf(b, "| binary, stripped | %.1f MB | < 30 MB %s |\n", float64(x.binary)/1e6, mark(x.binary < 30e6))
	size := func(title, what string, list []figures) {
		fmt.Fprintf(b, "\n## %s\n\n| %s | CPU, µs | spread | requests/s | p99, ms | RSS, MB |\n|---|---|---|---|---|---|\n", title, what)
		for _, f := range list {
			fmt.Fprintf(b, "| %s %s | %.1f | %.0f %% | %.0f | %.2f | %.0f |\n", f.name, f.says, micros(f.cpu), f.spread*100, f.perSec, millis(f.p99), float64(f.memory)/1e6)
		}
	}
	size("Cost by the number of routes", "db on SQLite, warm", x.routes)
	size("Cost by the number of sessions in the store", "db on SQLite, warm", x.sessions)
	b.WriteString("\n## Calls of stores per 1000 warm requests\n\nThe goal is fewer than 10. Redis, memcached, PostgreSQL and MariaDB count for themselves (memcached its gets, PostgreSQL transactions).\n\n| subject | coatcheck's metrics | the store's own counter |\n|---|---|---|\n")
	for _, c := range x.statements {
		own := "–"
		if c.counted {
			own = fmt.Sprintf("%.1f", c.theirs)
		}
		fmt.Fprintf(b, "| %s | %.1f | %s |\n", c.name, c.metrics, own)
	}
}
