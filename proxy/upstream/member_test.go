package upstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// clock is a time that a test sets.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newList(t testing.TB, n int, o BalancerOptions) (*Balancer, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	o.Now = c.Now
	var members []*Upstream
	for i := range n {
		u, err := New(Options{URL: fmt.Sprintf("http://%c", 'a'+i), MaxConns: 5})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, u)
	}
	b, err := NewBalancer(members, o)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

// picks tells who gets the next n requests, each answered at once.
func picks(b *Balancer, n int) string {
	var names strings.Builder
	for range n {
		m := b.pick("", nil)
		if m == nil {
			names.WriteByte('-')
			continue
		}
		names.WriteString(m.target.Host)
		b.learn(m, nil, false)
	}
	return names.String()
}

var errDial = &DialError{errors.New("refused")}

// fail lets the member's connections fail n times.
func fail(b *Balancer, member, n int) {
	for range n {
		b.learn(b.members[member], fmt.Errorf("ask: %w", errDial), false)
	}
}

func TestPick(t *testing.T) {
	for _, c := range []struct {
		name, want string
		policy     Policy
		prepare    func(b *Balancer, c *clock)
	}{
		{"in turn", "abcabc", RoundRobin, nil},
		{"in turn when idle", "abcabc", LeastConnections, nil},
		{"fewest", "bcbcbc", LeastConnections, func(b *Balancer, _ *clock) { b.members[0].active.Store(1) }},
		{"load does not matter", "abcabc", RoundRobin, func(b *Balancer, _ *clock) { b.members[0].active.Store(4) }},
		{"full is passed over", "bcbcbc", RoundRobin, func(b *Balancer, _ *clock) { fill(b.members[0]) }},
		{"all full", "abcabc", RoundRobin, func(b *Balancer, _ *clock) { fill(b.members...) }},
		{"one out", "bcbcbc", RoundRobin, func(b *Balancer, _ *clock) { fail(b, 0, 1) }},
		{"out, not yet over", "bcbcbc", RoundRobin, func(b *Balancer, c *clock) { fail(b, 0, 1); c.now = c.now.Add(999 * time.Millisecond) }},
		{"out, over", "abcabc", RoundRobin, func(b *Balancer, c *clock) { fail(b, 0, 1); c.now = c.now.Add(time.Second) }},
		{"doubles", "bcbcbc", RoundRobin, func(b *Balancer, c *clock) { fail(b, 0, 3); c.now = c.now.Add(3999 * time.Millisecond) }},
		{"doubles, over", "abcabc", RoundRobin, func(b *Balancer, c *clock) { fail(b, 0, 3); c.now = c.now.Add(4 * time.Second) }},
		{"a minute at most", "abcabc", RoundRobin, func(b *Balancer, c *clock) { fail(b, 0, 90); c.now = c.now.Add(time.Minute) }},
		{"all out: the next to be back", "bbbbbb", RoundRobin, func(b *Balancer, _ *clock) { fail(b, 0, 3); fail(b, 1, 1); fail(b, 2, 2) }},
		{"ill", "bcbcbc", RoundRobin, func(b *Balancer, _ *clock) { b.members[0].ill = true }},
		{"all ill", "------", RoundRobin, func(b *Balancer, _ *clock) {
			for _, m := range b.members {
				m.ill = true
			}
		}},
		{"ill or out", "cccccc", RoundRobin, func(b *Balancer, _ *clock) { b.members[0].ill = true; fail(b, 1, 1) }},
		{"slow start", "bcabcb", RoundRobin, func(b *Balancer, c *clock) {
			b.members[0].since = c.now
			c.now = c.now.Add(4 * time.Second)
		}},
		{"slow start is over", "abcabc", RoundRobin, func(b *Balancer, c *clock) {
			b.members[0].since = c.now
			c.now = c.now.Add(10 * time.Second)
		}},
		{"slow start counts double", "bcbcbc", LeastConnections, func(b *Balancer, c *clock) {
			b.members[0].since = c.now
			c.now = c.now.Add(4 * time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := BalancerOptions{Policy: c.policy}
			if strings.HasPrefix(c.name, "slow start") {
				o.SlowStart = 10 * time.Second
			}
			b, clock := newList(t, 3, o)
			if c.prepare != nil {
				c.prepare(b, clock)
			}
			if got := picks(b, 6); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func fill(members ...*member) {
	for _, m := range members {
		for range cap(m.slots.taken) {
			m.slots.taken <- struct{}{}
		}
	}
}

// While one request tries a member whose time is over, the others do not.
func TestPickTriesOnce(t *testing.T) {
	b, c := newList(t, 2, BalancerOptions{Policy: RoundRobin})
	fail(b, 0, 1)
	c.now = c.now.Add(time.Second)
	trial := b.pick("", nil)
	if trial != b.members[0] {
		t.Fatalf("the trial went to %s", trial)
	}
	if got := picks(b, 3); got != "bbb" {
		t.Errorf("during the trial: %s, want bbb", got)
	}
	b.learn(trial, errors.New("client left"), true) // says nothing: somebody else tries
	if one, other := b.pick("", nil), b.pick("", nil); one != trial && other != trial {
		t.Errorf("after a trial without outcome: %s and %s, want another one", one, other)
	}
	b.learn(trial, errDial, false)
	c.now = c.now.Add(1999 * time.Millisecond)
	if got := picks(b, 3); got != "bbb" {
		t.Errorf("after a failed trial: %s, want twice the time", got)
	}
}

func TestLearn(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		left bool
		out  bool
	}{
		"answered": {nil, false, false}, "no connection": {errDial, false, true}, "no connection, client left": {errDial, true, false},
		"reset": {errors.New("reset"), false, false}, "busy": {ErrBusy, false, false}, "refused": {&RefusedError{}, false, false},
	} {
		b, _ := newList(t, 2, BalancerOptions{})
		b.learn(b.members[0], c.err, c.left)
		if status := b.Status(); status[0].Well == c.out || !status[1].Well {
			t.Errorf("%s: %v, want out: %v", name, status, c.out)
		}
	}
	b, _ := newList(t, 1, BalancerOptions{MaxFails: 3})
	fail(b, 0, 2)
	b.learn(b.members[0], nil, false)
	fail(b, 0, 2)
	if !b.Status()[0].Well {
		t.Error("failures with an answer between them count as in a row")
	}
}

func TestPickByMark(t *testing.T) {
	b, _ := newList(t, 3, BalancerOptions{})
	for range 4 {
		if m := b.pick(mark(2), nil); m != b.members[2] {
			t.Errorf("got %s", m)
		}
	}
	fail(b, 2, 1)
	if m := b.pick(mark(2), nil); m == b.members[2] {
		t.Error("the mark led to a member that is out")
	}
	if m := b.pick("forged", nil); m == nil {
		t.Error("an unknown mark led nowhere")
	}
}

func BenchmarkPick(b *testing.B) {
	list, _ := newList(b, 8, BalancerOptions{})
	b.ReportAllocs()
	for b.Loop() {
		list.learn(list.pick("", nil), nil, false)
	}
}
