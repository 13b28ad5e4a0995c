package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"coatcheck/bench/stage"
)

// lab is what all subjects share: folder, programs, upstream, certificate.
type lab struct {
	env      *stage.Env
	dir      string
	core     int    // of the proxy that is measured; below zero: any
	upstream string // host:port

	coatcheck, bareproxy string // programs
	cert, key            string // files
	count                int    // of folders
}

// newLab builds the programs and starts the upstream. It pins this process, which is the load, to the other core; what it starts without a core follows it.
func newLab(ctx context.Context, o options) (*lab, error) {
	dir, err := os.MkdirTemp("", "coatcheck-compare-")
	if err != nil {
		return nil, err
	}
	l := &lab{env: &stage.Env{}, dir: dir, core: o.proxyCore, coatcheck: o.binary}
	l.env.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // Apache's children are nobody
		return l, err
	}
	if l.coatcheck == "" {
		if l.coatcheck, err = stage.Build(ctx, dir, "coatcheck", stage.Release); err != nil {
			return l, err
		}
	}
	if l.bareproxy, err = stage.Build(ctx, dir, "coatcheck/bench/bareproxy", !stage.Release); err != nil {
		return l, err
	}
	responder, err := stage.Build(ctx, dir, "coatcheck/bench/respond", !stage.Release)
	if err != nil {
		return l, err
	}
	if o.loadCore >= 0 {
		if err := stage.Pin(o.loadCore); err != nil {
			return l, err
		}
	}
	if err := l.certify(); err != nil {
		return l, err
	}
	return l, l.startUpstream(ctx, responder)
}

func (l *lab) close() { l.env.Close() }

func (l *lab) startUpstream(ctx context.Context, responder string) error {
	var err error
	if l.upstream, err = stage.FreeAddr(); err != nil {
		return err
	}
	_, err = l.launch(ctx, stage.Command{Path: responder, Args: []string{l.upstream}, Dir: l.dir, Core: -1, Log: "respond.log", Ready: stage.Accepts(l.upstream)})
	return err
}

// launch starts a process that ends with the lab.
func (l *lab) launch(ctx context.Context, c stage.Command) (*stage.Process, error) {
	p, err := stage.Start(ctx, c)
	if err == nil {
		l.env.Cleanup(p.Stop)
	}
	return p, err
}

// folder makes a folder for a subject.
func (l *lab) folder(name string) (string, error) {
	l.count++
	dir := filepath.Join(l.dir, fmt.Sprintf("%d-%s", l.count, name))
	return dir, os.Mkdir(dir, 0o755)
}

// certify makes a certificate that nobody has to believe: the load does not look.
func (l *lab) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	l.cert, l.key = filepath.Join(l.dir, "cert.pem"), filepath.Join(l.dir, "key.pem")
	if err := os.WriteFile(l.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(l.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
