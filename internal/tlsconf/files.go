package tlsconf

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/internal/watch"
)

// files is a certificate that somebody else renews.
type files struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	stop      context.CancelFunc
	watching  sync.WaitGroup
}

func openFiles(cert, key string, log *slog.Logger) (*files, error) {
	f := &files{cert: cert, key: key, log: log}
	pair := watch.Begin(func() []string { return []string{cert, key} })
	if err := f.load(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.watching.Go(func() { pair.Run(ctx, f.reload) })
	return f, nil
}

// load puts the pair in use that the files hold now.
func (f *files) load() error {
	info, err := os.Stat(f.key)
	switch {
	case err != nil:
		return fmt.Errorf("tls.key_file: %w", err)
	case info.Mode().Perm()&0o007 != 0: // ASVS 13.3.2; a group is how other programs hand keys on
		return fmt.Errorf("tls.key_file: %s can be read by everybody (mode %04o); run: chmod o= %s", f.key, info.Mode().Perm(), f.key)
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("tls.cert_file and tls.key_file: %w", err)
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		f.log.Warn("tls.cert_file: the certificate has expired; browsers refuse it", "not_after", pair.Leaf.NotAfter)
	}
	f.current.Store(&pair)
	return nil
}

// reload keeps the pair in use when the new one cannot be: certificate and key are two files, and one of them is the first to change.
func (f *files) reload() {
	if err := f.load(); err != nil {
		f.log.Error("the changed certificate was not taken; the one before stays in use", "err", err)
		return
	}
	f.log.Info("certificate loaded anew", "not_after", f.current.Load().Leaf.NotAfter)
}

func (f *files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.current.Load(), nil
}

func (f *files) begin() {}

func (f *files) lives() []life {
	leaf := f.current.Load().Leaf
	name := leaf.Subject.CommonName
	if len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	}
	return []life{{name, leaf.NotBefore, leaf.NotAfter}}
}

func (f *files) covers(host string) bool { return f.current.Load().Leaf.VerifyHostname(host) == nil }

func (f *files) protocols() []string { return nil }

func (f *files) close() {
	f.stop()
	f.watching.Wait()
}
