package auth

import (
	"sync"
	"testing"

	"coatcheck/internal/signing"
)

func TestRememberedOfUser(t *testing.T) {
	row := NewRow(User{ID: "7", Username: "ann", Active: true}, signing.Keys{Secret: "s"})
	first, second := row.principal, row.principal // of two requests
	key, other := new(int), new(int)
	calls := 0
	compute := func() any { calls++; return &calls }
	if a, b := first.OfUser(key, compute), second.OfUser(key, compute); a != b || calls != 1 {
		t.Errorf("two principals of one row got %v and %v in %d computations, want one", a, b, calls)
	}
	if second.OfUser(other, compute); calls != 2 {
		t.Errorf("another key: %d computations, want 2", calls)
	}
	fresh := NewRow(User{ID: "7"}, signing.Keys{Secret: "s"})
	if fresh.principal.OfUser(key, compute); calls != 3 {
		t.Errorf("another row: %d computations, want 3", calls)
	}
}

func TestNothingIsRememberedOfAnonymous(t *testing.T) {
	var p Principal
	calls := 0
	for range 2 {
		p.OfUser(t, func() any { calls++; return nil })
		p.OfSession(t, func() any { calls++; return nil })
	}
	if calls != 4 {
		t.Errorf("%d computations, want 4", calls)
	}
}

func TestRememberedIsBounded(t *testing.T) {
	var r remembered
	for i := range 10 * maxRemembered {
		r.get(i, func() any { return i })
	}
	if n := len(*r.list.Load()); n != maxRemembered {
		t.Errorf("%d are remembered, want %d", n, maxRemembered)
	}
}

func TestRememberedAtOnce(t *testing.T) {
	var r remembered
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 100 {
				if got := r.get(i%20, func() any { return i % 20 }); got != i%20 {
					t.Errorf("under %d is %v", i%20, got)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkOfUserWarm(b *testing.B) {
	row := NewRow(User{ID: "7"}, signing.Keys{Secret: "s"})
	p, key := row.principal, new(int)
	b.ReportAllocs()
	for b.Loop() {
		p.OfUser(key, func() any { return key })
	}
}
