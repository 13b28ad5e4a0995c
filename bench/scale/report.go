package main

import (
	"fmt"
	"strings"
)

func markdown(f fleet) string {
	var b strings.Builder
	b.WriteString("# A thousand sidecars, ten million sessions\n\nMade by `go run ./bench/scale >bench/SCALE.md`, which computes it; a test holds this page to the code. " +
		"What the near caches of a large fleet cost the store that tells them of changes.\n\n")
	assumptions(&b, f)
	redis(&b, f)
	postgres(&b, f)
	advice(&b, f)
	return b.String()
}

func assumptions(b *strings.Builder, f fleet) {
	b.WriteString("## Assumed\n\n| | | |\n|---|---|---|\n")
	for _, row := range []struct {
		what, how string
		value     string
	}{
		{"sidecars P", "", fmt.Sprint(f.sidecars)},
		{"sessions S", "", count(f.sessions)},
		{"life of a session L", "Django's default, not prolonged", fmt.Sprintf("%.0f days", f.life/86400)},
		{"in use at a time A", fmt.Sprintf("%.0f %% of S", f.active*100), count(f.inUse())},
		{"sidecars that see a session k", "", fmt.Sprintf("%.0f", f.spread)},
		{"requests", "", count(f.requests) + "/s, " + fmt.Sprintf("%.0f/s at each sidecar", f.requests/float64(f.sidecars))},
		{"logins", "S / L", fmt.Sprintf("%.1f/s", f.begun())},
		{"saves of sessions by applications", "one in 10 minutes for each session in use: A / 600 s", fmt.Sprintf("%.0f/s", f.inUse()*f.writes)},
		{"logouts", fmt.Sprintf("%.0f %% of logins; the other sessions expire, and every process knows when", f.leavers*100), fmt.Sprintf("%.1f/s", f.begun()*f.leavers)},
		{"session records that change, C", "saves + logouts", fmt.Sprintf("%.0f/s", f.changes())},
		{"user rows that change, U", "last_login at each login, and 0.5/s others", fmt.Sprintf("%.1f/s", f.users())},
		{"the busiest hour", "", fmt.Sprintf("%.0f times the average", f.peak)},
		{"entries of a near cache", "A k / P, at most 100 000", count(f.held())},
	} {
		fmt.Fprintf(b, "| %s | %s | %s |\n", row.what, row.how, row.value)
	}
	fmt.Fprintf(b, "\nMeasured (Redis 7.0.15, PostgreSQL 15.18, two cores of an Intel Xeon): a session in Redis %.0f bytes, so S takes %s; an entry of the tracking table %.0f bytes and %.0f for each further client; "+
		"a connection that listens %s; a message %.1f µs of Redis's thread. A backend of PostgreSQL that listens %s; a NOTIFY %.1f µs in each listening backend and %.1f µs in the sender for each of them.\n",
		redisSession, bytes(f.sessions*redisSession), redisTracked, redisHolder, bytes(redisClient), redisMessage, bytes(pgListener), pgWake, pgSignal)
}

const loadHead = "| | messages/s | at the busiest hour | cores of the server, then | network, then | each process hears | memory | connections |\n|---|---|---|---|---|---|---|---|\n"

func line(b *strings.Builder, what string, l load, peak float64) {
	p := l.atPeak(peak)
	fmt.Fprintf(b, "| %s | %s | %s | %.2f | %s/s | %.1f/s | %s | %.0f |\n", what, count(l.messages), count(p.messages), p.core, bytes(p.network), p.clientRate, bytes(l.memory), l.connections)
}

func redis(b *strings.Builder, f fleet) {
	b.WriteString("\n## Redis\n\n*Tracking* (default mode): Redis remembers which client has read which key, and tells those clients once: messages = C k. *Broadcast* (BCAST with the prefix of the sessions): it remembers nothing and tells " +
		"everybody of every key that is written: messages = (C + logins) P.\n\n" + loadHead)
	line(b, "tracking", f.byTracking(), f.peak)
	wide := f
	wide.spread = 20
	line(b, "tracking, k = 20 (no affinity)", wide.byTracking(), f.peak)
	line(b, "broadcast", f.byBroadcast(), f.peak)
	busy := f
	busy.writes = 1.0 / 30
	line(b, "tracking, a save each 30 s", busy.byTracking(), f.peak)
	line(b, "broadcast, a save each 30 s", busy.byBroadcast(), f.peak)
	fmt.Fprintf(b, "\n**The limit of the table.** `tracking-table-max-keys` is 1 000 000 by default; %s keys are in use. When the table is over its limit Redis pushes keys out at random and tells their clients, who then ask again. "+
		"A simulation at a scale of 1 : 100 (2000 sessions in use, 10 sidecars, k = 3, a save for each 1000 requests, 200 000 requests; `table.go`):\n\n"+
		"| limit, share of the keys in use | requests that ask Redis | of them push a key out | messages per 1000 requests |\n|---|---|---|---|\n", count(f.tracked()))
	for _, share := range []float64{2, 1, 0.9, 0.5, 0.1} {
		o := simulate(2000, 10, 3, int(2000*share), 200_000, 0.001)
		fmt.Fprintf(b, "| %.1f | %s | %s | %.0f |\n", share, percent(o.missShare()), percent(o.evictShare()), o.perThousand())
	}
	b.WriteString("\nNothing becomes wrong below 1: a key that is pushed out is told. But it becomes slow at once.\n")
}

func postgres(b *strings.Builder, f fleet) {
	b.WriteString("\n## PostgreSQL\n\nOne NOTIFY for each changed row, by trigger; every listening connection of the database is woken for each: messages = rows P.\n\n" + loadHead)
	line(b, "sessions and users (`db`)", f.byNotify(f.sidecars, true), f.peak)
	line(b, "users only (sessions in Redis)", f.byNotify(f.sidecars, false), f.peak)
	quiet := f
	quiet.writes = 0
	line(b, "`db`, sessions that applications do not write", quiet.byNotify(f.sidecars, true), f.peak)
	line(b, "`db`, 50 listeners", f.byNotify(50, true), f.peak)
	b.WriteString("\n| listeners | rows that may change per second until notifications take one core |\n|---|---|\n")
	for _, n := range []int{10, 50, 100, 300, 1000} {
		fmt.Fprintf(b, "| %d | %.0f |\n", n, notifyLimit(n))
	}
	fmt.Fprintf(b, "\n- **Payload**: a hash of the session key or the id of a user, 32 to 64 bytes of the %d that are allowed. Commits that notify take one lock of the whole database server, one after another.\n"+
		"- **Queue**: 8 GB. A listener that is stuck within a transaction holds it up; it is full after %.0f hours at the average rate, and then every COMMIT with a NOTIFY fails, logouts too. A process that listens must not hold transactions open on that "+
		"connection, and has to be dropped when it does not read (`tcp_user_timeout`, keepalives).\n"+
		"- **Connections**: %d that listen take %s, besides the pools. They cannot go through a pooler in transaction mode.\n", pgPayload, f.queueTime(true)/3600, f.sidecars, bytes(float64(f.sidecars)*pgListener))
}

func advice(b *strings.Builder, f fleet) {
	quiet := f
	quiet.writes = 0
	db := f.byNotify(f.sidecars, true).atPeak(f.peak).core
	fmt.Fprintf(b, `
## What follows

- **Redis with tracking carries it**: %s of its one thread in the busiest hour, %s of memory. Set %s above the number of sessions in use, here %s.
  **Broadcast does not** when applications write sessions: it would take %.1f threads, and Redis has one. Its place is a small fleet, or one whose applications leave the session alone
  (then %s of the thread), where the table's memory or its limit is in the way.
- **PostgreSQL does not carry 1000 listeners with sessions that applications write**: %.0f cores for notifications in the busiest hour. It carries about %.0f changed rows per second and core with 100 listeners. For such a fleet: the sessions in Redis
  (%s or %s) and the near cache of users with a bound of its own (at most 5 s) instead of LISTEN; or fewer, larger processes that listen.
- With sessions in Redis the users alone still cost PostgreSQL %s of a core in the busiest hour, nearly all of it for last_login: a trigger that leaves out updates of that column alone takes %s.
`, percent(f.byTracking().atPeak(f.peak).core), bytes(f.byTracking().memory), "`tracking-table-max-keys`", count(f.inUse()), f.byBroadcast().atPeak(f.peak).core, percent(quiet.byBroadcast().atPeak(f.peak).core),
		db, notifyLimit(100), "`cache`", "`cached_db`", percent(f.byNotify(f.sidecars, false).atPeak(f.peak).core), percent(f.withoutLastLogin().atPeak(f.peak).core))
}

// withoutLastLogin is PostgreSQL for the users alone when a login is not a change.
func (f fleet) withoutLastLogin() load {
	f.life = f.sessions * 1e12 // no logins
	return f.byNotify(f.sidecars, false)
}

func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f million", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f 000", n/1e3)
	case n >= 10:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func bytes(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.1f kB", n/1e3)
}

func percent(share float64) string {
	if share < 0.1 {
		return fmt.Sprintf("%.1f %%", share*100)
	}
	return fmt.Sprintf("%.0f %%", share*100)
}
