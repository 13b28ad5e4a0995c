// Package storetest is the conformance suite of session stores: one set of tests that every store and every decorator passes, and
// Django itself as the peer that reads what they wrote and writes what they read.
//
// A store joins with a [Harness]:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, storetest.Harness{New: func(t *testing.T, now func() time.Time) *storetest.Place { … }})
//	}
//
// Subtests that begin with a number are the lines of that number in the list of Django's own session tests (SPEC section 14).
package storetest
