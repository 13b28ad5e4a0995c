package main

import (
	"math"
	"os"
	"testing"
)

// The page is what the code computes.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../SCALE.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != markdown(base()) {
		t.Error("bench/SCALE.md is not what the code computes: go run ./bench/scale >bench/SCALE.md")
	}
}

func TestModel(t *testing.T) {
	f := fleet{sidecars: 10, sessions: 1000, life: 100, active: 0.1, spread: 2, writes: 0.05, leavers: 0.5, accounts: 1, entries: 15, tracking: 1000}
	for name, c := range map[string]struct{ got, want float64 }{
		"logins per second":             {f.begun(), 10},
		"sessions in use":               {f.inUse(), 100},
		"entries, bounded":              {f.held(), 15},
		"records that change":           {f.changes(), 10},
		"user rows that change":         {f.users(), 11},
		"messages, tracking":            {f.byTracking().messages, 20},
		"messages, broadcast":           {f.byBroadcast().messages, 200},
		"messages, notify":              {f.byNotify(10, true).messages, 210},
		"messages, notify, users":       {f.byNotify(10, false).messages, 110},
		"each process hears, broadcast": {f.byBroadcast().clientRate, 20},
		"tracked keys":                  {f.tracked(), 100},
		"peak":                          {f.byTracking().atPeak(3).messages, 60},
		"users without last_login":      {math.Round(f.withoutLastLogin().messages), 10},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

// The simulation agrees with what can be said without it.
func TestSimulate(t *testing.T) {
	roomy := simulate(200, 10, 2, 1000, 20_000, 0)
	if roomy.misses != 0 || roomy.messages != 0 {
		t.Errorf("a table with room, nobody writes: got %d misses, %d messages; want none once it is warm", roomy.misses, roomy.messages)
	}
	tight := simulate(200, 10, 2, 20, 20_000, 0)
	if tight.missShare() < 0.85 || tight.evictShare() < 0.8 {
		t.Errorf("a table for a tenth of the keys: got %.2f misses, %.2f of them evict; want at least 0.85 and 0.8", tight.missShare(), tight.evictShare())
	}
	if again := simulate(200, 10, 2, 20, 20_000, 0); again != tight {
		t.Errorf("the same again: got %+v, then %+v", tight, again)
	}
	written := simulate(200, 10, 2, 1000, 20_000, 1)
	if written.messages == 0 || written.evicted != 0 {
		t.Errorf("every request writes: got %d messages, %d evicted; want some, none", written.messages, written.evicted)
	}
}
