package dbstore_test

import (
	"errors"
	"math"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
)

// TestBoundary: a row that ends this very microsecond neither loads nor is cleared, as every Django has it.
func TestBoundary(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for _, set := range sets {
		var file struct {
			Boundary []struct {
				Ahead    float64 `json:"expire_date_minus_now_seconds"`
				Loads    bool
				Survives bool `json:"survives_clearsessions"`
			} `json:"db_boundary"`
		}
		readVectors(t, set, "expiry.json", &file)
		if len(file.Boundary) != 5 {
			t.Errorf("%s: %d cases, want 5", set, len(file.Boundary))
		}
		for _, c := range file.Boundary {
			store := newStore(connect(t, "sqlite:"+filepath.Join(t.TempDir(), "db"), sqlconn.Options{}), func() time.Time { return now })
			if err := store.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			ends := now.Add(time.Duration(math.Round(c.Ahead*1e6)) * time.Microsecond)
			if _, err := store.Create(t.Context(), keyA, sessionstore.Record{Data: pyvalue.NewDict(), Expires: ends}); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Load(t.Context(), keyA); (err == nil) != c.Loads || err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("%s: %v s ahead: load = %v, want it to load: %v", set, c.Ahead, err, c.Loads)
			}
			if n, err := store.ClearExpired(t.Context()); err != nil || (n == 0) != c.Survives {
				t.Errorf("%s: %v s ahead: cleared %d, %v, want it to survive: %v", set, c.Ahead, n, err, c.Survives)
			}
		}
	}
}
