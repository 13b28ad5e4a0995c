package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/storetest"
)

// disk does what the store does with bare calls: a record is written whole or not at all, and safe on the disk.
type disk struct {
	dir  string
	sync bool
}

func (d disk) write(text []byte, publish func(tmp string) error) error {
	f, err := os.CreateTemp(d.dir, ".bare-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if d.sync {
		err = errors.Join(err, f.Sync())
	}
	err = errors.Join(err, f.Close(), publish(f.Name()))
	if !d.sync {
		return err
	}
	dir, openErr := os.Open(d.dir)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	return errors.Join(err, dir.Sync(), dir.Close())
}

func (d disk) create(name string, text []byte) error {
	return d.write(text, func(tmp string) error { return errors.Join(os.Link(tmp, filepath.Join(d.dir, name)), os.Remove(tmp)) })
}

func (d disk) update(name string, text []byte) error {
	return d.write(text, func(tmp string) error { return os.Rename(tmp, filepath.Join(d.dir, name)) })
}

func (d disk) load(name string) error {
	_, err := os.ReadFile(filepath.Join(d.dir, name))
	return err
}

func BenchmarkStore(b *testing.B) {
	b.Run("fsync", func(b *testing.B) { benchmark(b, true) })
	b.Run("no fsync", func(b *testing.B) { benchmark(b, false) })
}

func benchmark(b *testing.B, sync bool) {
	signed := codec.NewSigned(signing.Keys{Secret: secret}, time.Now)
	d := disk{dir: b.TempDir(), sync: sync}
	store, err := filestore.Open(signed, filestore.Options{Dir: d.dir, CookieName: "sessionid", NoSync: !sync, Now: time.Now,
		Settings: sessionstore.Settings{CookieAge: time.Hour}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	data := pyvalue.NewDict()
	data.Set("_auth_user_id", pyvalue.Str("1"))
	data.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	data.Set("_auth_user_hash", pyvalue.Str("c6f38c3b3cc76a2a7cf8d7c4f9b5b2b0c8c4a2c7a8f7d5e6b3a1c2d3e4f50617"))
	rec := sessionstore.Record{Data: data}
	text, err := signed.Encode(data)
	if err != nil {
		b.Fatal(err)
	}
	key, ctx := sessionstore.NewKey(), b.Context()
	if _, err := store.Create(ctx, key, rec); err != nil {
		b.Fatal(err)
	}
	encoded := func(call func() error) func() error {
		return func() error { _, err := signed.Encode(data); return errors.Join(err, call()) }
	}
	load := func() error { return d.load("sessionid" + key) }
	create := func() error { return d.create("sessionid"+sessionstore.NewKey(), text) }
	update := func() error { return d.update("sessionid"+key, text) }
	compare(b, "load", load, func() error { _, _, err := signed.Decode(text); return errors.Join(err, load()) },
		func() error { _, err := store.Load(ctx, key); return err })
	compare(b, "create", create, encoded(create), func() error { _, err := store.Create(ctx, sessionstore.NewKey(), rec); return err })
	compare(b, "update", update, encoded(update), func() error { _, err := store.Update(ctx, key, rec); return err })
}

func compare(b *testing.B, verb string, bare, coded, store func() error) {
	b.Run(verb, func(b *testing.B) {
		storetest.Compare(b, storetest.Call{Name: "bare", Do: bare}, storetest.Call{Name: "codec", Do: coded}, storetest.Call{Name: "store", Do: store})
	})
}
