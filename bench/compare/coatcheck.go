package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"coatcheck/bench/stage"
)

// warmSessions is how many sessions the load has: one for each connection.
const warmSessions = conns

// coatcheck is our own proxy with one engine.
func coatcheck(e stage.Engine, overTLS bool) subject {
	name, environ := "coatcheck-"+e.Name, []string(nil)
	if overTLS {
		name += "-h2"
	}
	return subject{name, "coatcheck, " + e.Name, func(ctx context.Context, l *lab) (*running, error) {
		if overTLS {
			environ = []string{"COATCHECK_TLS_CERT_FILE=" + l.cert, "COATCHECK_TLS_KEY_FILE=" + l.key}
		}
		r, err := newCoatcheck(ctx, l, e, fmt.Sprintf("upstream: \"http://%s\"\n", l.upstream), environ...)
		if err != nil {
			return nil, err
		}
		r.tls = overTLS
		return r, r.logIn(ctx)
	}}
}

// public is our own proxy on a route without login.
func public() subject {
	return subject{"coatcheck-public", "coatcheck, a public route", func(ctx context.Context, l *lab) (*running, error) {
		e, _ := stage.EngineNamed("db-sqlite")
		return newCoatcheck(ctx, l, e, fmt.Sprintf("routes: [{path: /, access: public, upstream: \"http://%s\"}]\n", l.upstream))
	}}
}

// newCoatcheck starts a site with one process.
func newCoatcheck(ctx context.Context, l *lab, e stage.Engine, settings string, environ ...string) (*running, error) {
	dir, err := l.folder(e.Name)
	if err != nil {
		return nil, err
	}
	site, err := stage.NewSite(ctx, l.env, l.coatcheck, dir, e, settings)
	if err != nil {
		return nil, err
	}
	server, err := site.Start(ctx, l.core, environ...)
	if err != nil {
		return nil, err
	}
	l.env.Cleanup(server.Stop)
	return &running{process: server.Process, addr: server.Addr, server: server, site: site}, nil
}

// logIn gives the load its sessions: one login, and copies of it.
func (r *running) logIn(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // the lab's own certificate
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	scheme := "http://"
	if r.tls {
		scheme = "https://"
	}
	var err error
	if r.login, err = stage.Login(ctx, client, scheme+r.addr, stage.User); err != nil {
		return err
	}
	r.cookies, err = r.site.Copies(ctx, r.login, warmSessions-1)
	r.cookies = append(r.cookies, r.login)
	return err
}
