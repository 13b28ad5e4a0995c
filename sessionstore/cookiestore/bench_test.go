package cookiestore_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/ledger"
	"coatcheck/sessionstore/storetest"
)

// BenchmarkStore: the bare call is the question whether a cookie was logged out, in SQLite.
func BenchmarkStore(b *testing.B) {
	db, err := sqlconn.Open("sqlite:"+filepath.Join(b.TempDir(), "db"), sqlconn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	revocations := ledger.New(db, signing.Keys{Secret: secret}, time.Now)
	if err := revocations.CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	keys := signing.Keys{Secret: secret}
	store := cookiestore.New(keys, revocations, time.Hour, time.Now)
	signed := codec.NewSignedWith(codec.SignedOptions{Keys: keys, Now: time.Now, Salt: codec.CookieSalt})
	data := pyvalue.NewDict()
	data.Set("_auth_user_id", pyvalue.Str("1"))
	data.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	data.Set("_auth_user_hash", pyvalue.Str("c6f38c3b3cc76a2a7cf8d7c4f9b5b2b0c8c4a2c7a8f7d5e6b3a1c2d3e4f50617"))
	rec := sessionstore.Record{Data: data}
	cookie, err := store.Create(b.Context(), sessionstore.NewKey(), rec)
	if err != nil {
		b.Fatal(err)
	}
	ask := func() error {
		_, err := revocations.Revoked(b.Context(), sessionstore.KeyDigest("nonce:x"))
		return err
	}
	decode := func() error { _, err := signed.Open([]byte(cookie)); return err }
	encode := func() error { _, err := signed.Encode(data); return err }
	for verb, calls := range map[string][2]func() error{
		"load":   {func() error { return errors.Join(decode(), ask()) }, func() error { _, err := store.Load(b.Context(), cookie); return err }},
		"create": {func() error { return errors.Join(encode(), ask()) }, func() error { _, err := store.Create(b.Context(), sessionstore.NewKey(), rec); return err }},
		"update": {func() error { return errors.Join(decode(), ask(), encode()) }, func() error { _, err := store.Update(b.Context(), cookie, rec); return err }},
	} {
		b.Run(verb, func(b *testing.B) {
			storetest.Compare(b, storetest.Call{Name: "bare", Do: ask}, storetest.Call{Name: "codec", Do: calls[0]}, storetest.Call{Name: "store", Do: calls[1]})
		})
	}
}
