package storetest_test

import (
	"testing"
	"time"

	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(_ testing.TB, now func() time.Time) *storetest.Place {
			store := storetest.NewMemory(now)
			return &storetest.Place{Open: func() sessionstore.Store { return store }}
		},
		Traits: storetest.Traits{Pickles: true},
	})
}
