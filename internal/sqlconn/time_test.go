package sqlconn

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The dates of SPEC 13.4: 2030-01-01 00:00 as Django stores it with USE_TZ on, and off in Chicago.
func TestTimesInSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sqlite3")
	tests := map[string]struct {
		zone *time.Location
		time time.Time
		text string
	}{
		"UTC":           {nil, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), "2030-01-01 00:00:00"},
		"micros":        {nil, time.Date(2099, 12, 31, 23, 59, 59, 999999999, time.UTC), "2099-12-31 23:59:59.999999"},
		"half":          {nil, time.Date(2030, 1, 1, 0, 0, 0, 5e8, time.UTC), "2030-01-01 00:00:00.500000"},
		"other zone":    {nil, time.Date(2030, 1, 1, 0, 0, 0, 0, zone(t, "Asia/Kolkata")), "2029-12-31 18:30:00"},
		"USE_TZ off":    {zone(t, "America/Chicago"), time.Date(2030, 1, 1, 6, 0, 0, 0, time.UTC), "2030-01-01 00:00:00"},
		"below a micro": {nil, time.Date(2030, 1, 1, 0, 0, 0, 999, time.UTC), "2030-01-01 00:00:00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			db := open(t, "sqlite:"+path, Options{TimeZone: test.zone})
			exec(t, db, `CREATE TABLE IF NOT EXISTS t ("when" datetime NOT NULL)`)
			exec(t, db, "DELETE FROM t")
			exec(t, db, "INSERT INTO t VALUES (?)", db.Time(test.time))
			var text string
			var got time.Time
			query := "SELECT CAST(\"when\" AS TEXT), " + db.TimeColumn("when") + " FROM t"
			if err := db.QueryRow(query).Scan(&text, db.ScanTime(&got)); err != nil {
				t.Fatal(err)
			}
			if want := test.time.Truncate(time.Microsecond).UTC(); text != test.text || got != want {
				t.Errorf("%s is stored as %q and read as %s, want %q and %s", test.time, text, got, test.text, want)
			}
		})
	}
}

func TestScanTime(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	db := &DB{zone: zone(t, "America/Chicago")}
	tests := map[string]struct {
		src  any
		want time.Time
		bad  bool
	}{
		"null":        {src: nil},
		"time":        {src: noon.In(db.zone), want: noon},
		"local":       {src: "2030-01-01 06:00:00", want: noon},
		"bytes":       {src: []byte("2030-01-01 06:00:00.000000"), want: noon},
		"with T":      {src: "2030-01-01T06:00:00", want: noon},
		"with offset": {src: "2030-01-01 13:00:00+01:00", want: noon},
		"with Z":      {src: "2030-01-01T12:00:00Z", want: noon},
		"date":        {src: "2030-01-01", want: noon.Add(-6 * time.Hour)},
		"text":        {src: "soon", bad: true},
		"empty":       {src: "", bad: true},
		"number":      {src: int64(1893499200), bad: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := noon.Add(time.Hour)
			err := db.ScanTime(&got).Scan(test.src)
			if errors.Is(err, ErrTime) != test.bad {
				t.Fatalf("Scan(%v) = %v", test.src, err)
			}
			if !test.bad && got != test.want {
				t.Errorf("Scan(%v) read %s, want %s", test.src, got, test.want)
			}
		})
	}
}
