package main

import "math"

// fleet is what is assumed of those who use it.
type fleet struct {
	sidecars int     // processes
	sessions float64 // that live
	life     float64 // seconds, on the average, until a session ends
	active   float64 // share of the sessions that are in use at a time, that is within the life of an entry of a near cache
	spread   float64 // sidecars that see a session while it is active
	requests float64 // per second, all together
	writes   float64 // saves of a session by an application, per active session and second
	leavers  float64 // share of the sessions that end by a logout; the others expire, and nobody is told
	accounts float64 // changes of user rows per second besides last_login: passwords, names, groups
	entries  float64 // that a near cache holds
	tracking float64 // tracking-table-max-keys
	peak     float64 // busiest hour over the average
}

// base is a large fleet with Django's default life of a session.
func base() fleet {
	return fleet{sidecars: 1000, sessions: 10e6, life: 14 * 86400, active: 0.02, spread: 3, requests: 200e3, writes: 1.0 / 600, leavers: 0.2, accounts: 0.5, entries: 100_000,
		tracking: 1e6, peak: 4}
}

// begun is the logins per second: as many as end, when the number is steady.
func (f fleet) begun() float64 { return f.sessions / f.life }

// inUse is the number of active sessions.
func (f fleet) inUse() float64 { return f.sessions * f.active }

// held is how many of the active sessions each near cache holds.
func (f fleet) held() float64 { return math.Min(f.entries, f.inUse()*f.spread/float64(f.sidecars)) }

// changes is how many records change or end per second: saves, logouts. Logins make records that nobody holds.
func (f fleet) changes() float64 { return f.inUse()*f.writes + f.begun()*f.leavers }

// users is how many user rows change per second: each login writes last_login.
func (f fleet) users() float64 { return f.begun() + f.accounts }

// load is what a store has to do for the feed.
type load struct {
	messages    float64 // per second, to all clients together
	core        float64 // of the server that they take; more than 1 is more than Redis's one thread can do
	network     float64 // bytes per second
	memory      float64 // bytes
	connections float64
	clientRate  float64 // messages per second that each process hears
}

// tracked is how many keys stand in the table: those that some near cache holds, up to the limit.
func (f fleet) tracked() float64 { return math.Min(f.tracking, f.inUse()) }

// byTracking is Redis in its default mode: it remembers who has read what, tells those, and forgets. The table is taken to have room for all (table.go is about what
// happens otherwise).
func (f fleet) byTracking() load {
	messages := f.changes() * f.spread
	return load{messages: messages, core: messages * redisMessage / 1e6, network: messages * redisBytes, connections: float64(f.sidecars), clientRate: messages / float64(f.sidecars),
		memory: f.tracked()*(redisTracked+(f.spread-1)*redisHolder) + float64(f.sidecars)*redisClient}
}

// byBroadcast is Redis with BCAST and the prefix of the sessions: nothing is remembered, and everybody hears of every key that changes, also of those that begin.
func (f fleet) byBroadcast() load {
	messages := (f.changes() + f.begun()) * float64(f.sidecars)
	return load{messages: messages, core: messages * redisMessage / 1e6, network: messages * redisBytes, connections: float64(f.sidecars), clientRate: messages / float64(f.sidecars),
		memory: float64(f.sidecars) * redisClient}
}

// byNotify is PostgreSQL: one notification for each changed row, to everybody. sessions: whether the sessions are rows, too, and not only the users.
func (f fleet) byNotify(listeners int, sessions bool) load {
	changed := f.users()
	if sessions {
		changed += f.changes()
	}
	messages := changed * float64(listeners)
	return load{messages: messages, core: messages * (pgWake + pgSignal) / 1e6, network: messages * pgEntry, connections: float64(listeners), clientRate: changed,
		memory: float64(listeners) * pgListener}
}

// notifyLimit is how many rows may change per second until the notifications take one core of the server.
func notifyLimit(listeners int) float64 { return 1e6 / (float64(listeners) * (pgWake + pgSignal)) }

// queueTime is how long, in seconds, a listener may be stuck in a transaction until the queue is full and every NOTIFY fails.
func (f fleet) queueTime(sessions bool) float64 {
	changed := f.users()
	if sessions {
		changed += f.changes()
	}
	return pgQueue / (changed * pgEntry)
}

// atPeak is the busiest hour.
func (l load) atPeak(factor float64) load {
	l.messages, l.core, l.network, l.clientRate = l.messages*factor, l.core*factor, l.network*factor, l.clientRate*factor
	return l
}
