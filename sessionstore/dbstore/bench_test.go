package dbstore_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/storetest"
)

// benchStore is a database with one session as a login leaves it, and what its driver needs to do the same work bare.
type benchStore struct {
	store sessionstore.Store
	db    *sqlconn.DB
	rec   sessionstore.Record
	text  string
	keys  int
}

func newBenchStore(b *testing.B, url string) *benchStore {
	b.Helper()
	db := connect(b, url, sqlconn.Options{})
	store := newStore(db, time.Now)
	if err := store.CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	data := pyvalue.NewDict()
	data.Set("_auth_user_id", pyvalue.Str("1"))
	data.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	data.Set("_auth_user_hash", pyvalue.Str("c6f38c3b3cc76a2a7cf8d7c4f9b5b2b0c8c4a2c7a8f7d5e6b3a1c2d3e4f50617"))
	text, err := codec.NewSigned(signing.Keys{Secret: secret}, time.Now).Encode(data)
	if err != nil {
		b.Fatal(err)
	}
	s := &benchStore{store: store, db: db, rec: sessionstore.Record{Data: data, Expires: time.Now().Add(time.Hour)}, text: string(text)}
	if _, err := store.Create(b.Context(), keyA, s.rec); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *benchStore) nextKey() string {
	s.keys++
	return fmt.Sprintf("%032d", s.keys)
}

// bare is the driver's own call with a statement that was prepared once; dates are given and taken as the driver needs them.
func (s *benchStore) bare(b *testing.B, verb string) func() error {
	b.Helper()
	p := s.db.Placeholder
	query := map[string]string{
		"load":   "SELECT session_data, " + s.db.TimeColumn("expire_date") + " FROM django_session WHERE session_key = " + p(1) + " AND expire_date > " + p(2),
		"create": "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (" + p(1) + ", " + p(2) + ", " + p(3) + ")",
		"update": "UPDATE django_session SET session_data = " + p(1) + ", expire_date = " + p(2) + " WHERE session_key = " + p(3),
	}[verb]
	stmt, err := s.db.Prepare(query)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stmt.Close() })
	var text string
	var ends time.Time
	return map[string]func() error{
		"load": func() error {
			return stmt.QueryRowContext(b.Context(), keyA, s.db.Time(time.Now())).Scan(&text, s.db.ScanTime(&ends))
		},
		"create": func() error {
			_, err := stmt.ExecContext(b.Context(), s.nextKey(), s.text, s.db.Time(s.rec.Expires))
			return err
		},
		"update": func() error {
			_, err := stmt.ExecContext(b.Context(), s.text, s.db.Time(s.rec.Expires), keyA)
			return err
		},
	}[verb]
}

func (s *benchStore) ours(b *testing.B, verb string) func() error {
	return map[string]func() error{
		"load":   func() error { _, err := s.store.Load(b.Context(), keyA); return err },
		"create": func() error { _, err := s.store.Create(b.Context(), s.nextKey(), s.rec); return err },
		"update": func() error { _, err := s.store.Update(b.Context(), keyA, s.rec); return err },
	}[verb]
}

// coded is bare with the codec's work, which whoever calls the driver himself has as well.
func (s *benchStore) coded(b *testing.B, verb string) func() error {
	bare, signed := s.bare(b, verb), codec.NewSigned(signing.Keys{Secret: secret}, time.Now)
	if verb == "load" {
		return func() error {
			err := bare()
			if err == nil {
				_, _, err = signed.Decode([]byte(s.text))
			}
			return err
		}
	}
	return func() error {
		if _, err := signed.Encode(s.rec.Data); err != nil {
			return err
		}
		return bare()
	}
}

// BenchmarkStore sets each verb beside the bare call of its driver, without and with the codec's work; the servers also at a distance of half a millisecond
// there and back.
func BenchmarkStore(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres", "mariadb"} {
		b.Run(name, func(b *testing.B) { compare(b, databases[name](b)) })
	}
	for _, name := range []string{"postgres", "mariadb"} {
		b.Run(name+", 0.5 ms away", func(b *testing.B) { compare(b, distant(b, databases[name](b))) })
	}
}

func compare(b *testing.B, url string) {
	s := newBenchStore(b, url)
	for _, verb := range []string{"load", "create", "update"} {
		b.Run(verb, func(b *testing.B) {
			storetest.Compare(b, storetest.Call{Name: "bare", Do: s.bare(b, verb)},
				storetest.Call{Name: "codec", Do: s.coded(b, verb)}, storetest.Call{Name: "store", Do: s.ours(b, verb)})
		})
	}
}

// distant is the URL of the same database behind a network.
func distant(b *testing.B, rawURL string) string {
	b.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		b.Fatal(err)
	}
	u.Host = testenv.Distance(b, u.Host, 250*time.Microsecond)
	return u.String()
}

// BenchmarkLoadParallel is the pool under many requests at once.
func BenchmarkLoadParallel(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres", "mariadb"} {
		b.Run(name, func(b *testing.B) {
			s := newBenchStore(b, databases[name](b))
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.store.Load(b.Context(), keyA); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkUpdateParallel is many writers at once.
func BenchmarkUpdateParallel(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres", "mariadb"} {
		b.Run(name, func(b *testing.B) {
			s := newBenchStore(b, databases[name](b))
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.store.Update(b.Context(), keyA, s.rec); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
