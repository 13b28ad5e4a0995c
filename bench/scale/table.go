package main

import "math/rand/v2"

// table is Redis's tracking table in its default mode, with near caches that fill it, at a scale that runs in a moment.
type table struct {
	limit   int
	holders map[int][]int // clients that read a key since it was last told
	keys    []int         // of holders, in any order
	place   map[int]int   // of a key in keys
	random  *rand.Rand
}

// outcome is what a run has counted.
type outcome struct {
	requests, misses, evicted, messages int
}

// missShare is the share of requests that had to ask the store.
func (o outcome) missShare() float64 { return float64(o.misses) / float64(o.requests) }

// evictShare is the share of those that pushed another key out of the table.
func (o outcome) evictShare() float64 { return float64(o.evicted) / float64(max(1, o.misses)) }

// perThousand is how many messages Redis sends for 1000 requests.
func (o outcome) perThousand() float64 { return float64(o.messages) / float64(o.requests) * 1000 }

// simulate has requests for active sessions, each at one of the sidecars that see it, until the table is as full as it gets, and then counts as many again. Like
// Redis it pushes out a key at random when the table is over its limit (tracking.c trackingLimitUsedSlots).
func simulate(active, sidecars, spread, limit, requests int, writes float64) outcome {
	t := &table{limit: limit, holders: map[int][]int{}, place: map[int]int{}, random: rand.New(rand.NewPCG(1, 2))}
	for range requests {
		t.request(active, sidecars, spread, writes, &outcome{})
	}
	o := outcome{requests: requests}
	for range requests {
		t.request(active, sidecars, spread, writes, &o)
	}
	return o
}

// request is one, with a save of the session with the probability writes.
func (t *table) request(active, sidecars, spread int, writes float64, o *outcome) {
	key := t.random.IntN(active)
	client := (key + t.random.IntN(spread)*(sidecars/spread)) % sidecars
	if !t.holds(key, client) {
		o.misses++
		t.add(key, client)
		if len(t.keys) > t.limit {
			o.evicted++
			o.messages += t.tell(t.keys[t.random.IntN(len(t.keys))])
		}
	}
	if t.random.Float64() < writes {
		o.messages += t.tell(key)
	}
}

func (t *table) holds(key, client int) bool {
	for _, c := range t.holders[key] {
		if c == client {
			return true
		}
	}
	return false
}

func (t *table) add(key, client int) {
	if _, known := t.holders[key]; !known {
		t.place[key] = len(t.keys)
		t.keys = append(t.keys, key)
	}
	t.holders[key] = append(t.holders[key], client)
}

// tell forgets a key and returns how many clients had to be told.
func (t *table) tell(key int) int {
	n := len(t.holders[key])
	at, known := t.place[key]
	if !known {
		return 0
	}
	last := t.keys[len(t.keys)-1]
	t.keys[at], t.place[last] = last, at
	t.keys = t.keys[:len(t.keys)-1]
	delete(t.holders, key)
	delete(t.place, key)
	return n
}
