package userdb_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"coatcheck/auth/userdb"
)

// TestAdd_race of many who add the same name at once one does.
func TestAdd_race_15_4_2(t *testing.T) {
	for _, name := range []string{"postgres", "mariadb"} {
		t.Run(name, func(t *testing.T) {
			db := openURL(t, serverURL(t, name))
			d := open(t, db, userdb.Options{})
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if err := d.CreateTables(background); err != nil {
						t.Errorf("create tables at once: %v", err)
					}
				})
			}
			all.Wait()
			var added atomic.Int64
			for range 8 {
				all.Go(func() {
					switch _, err := d.Add(background, userdb.NewUser{Username: "alice", Password: "x"}); {
					case err == nil:
						added.Add(1)
					case !errors.Is(err, userdb.ErrUserExists):
						t.Error(err)
					}
				})
			}
			all.Wait()
			if added.Load() != 1 {
				t.Errorf("%d added", added.Load())
			}
		})
	}
}
