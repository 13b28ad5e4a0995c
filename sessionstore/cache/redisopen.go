package cache

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	noRetries  = -1
	redirects  = 3 // of a cluster, each to the node that has the key
	bufferSize = 8 << 10
)

func newRedis(t target, opts Options) (*redisCache, error) {
	// The driver writes to standard error by itself; what matters of it is in the errors it returns.
	redis.SetLogger(&logging.VoidLogger{})
	config, err := tlsConfig(t, opts)
	if err != nil {
		return nil, err
	}
	r := &redisCache{timeout: opts.DialTimeout + opts.OpTimeout}
	switch t.kind {
	case sentinelKind:
		r.client = redis.NewFailoverClient(failoverOptions(t, opts, config))
	case clusterKind:
		r.client = redis.NewClusterClient(clusterOptions(t, opts, config))
	default:
		r.client = redis.NewClient(singleOptions(t, opts, config))
		r.tracking = singleOptions(t, opts, config)
		r.tracking.Protocol = 2 // in 3 the driver would take what is told for its own
	}
	return r, nil
}

// tlsConfig verifies chain and host name; the driver adds the host.
func tlsConfig(t target, opts Options) (*tls.Config, error) {
	switch {
	case !t.tls && opts.CAFile != "":
		return nil, errors.New("a CA file is given, but the URL is not one of TLS: write rediss://, or add ?tls=true")
	case !t.tls:
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if opts.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(opts.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA file %s: it holds no PEM certificate", opts.CAFile)
	}
	return config, nil
}

// singleOptions: the deadline of a context counts on the connection, too; one dial and no repetition of commands by the driver; and no more connections than
// allowed, also when all are busy. The driver takes a cluster's maintenance messages for commands of a hosted Redis: off.
func singleOptions(t target, opts Options, config *tls.Config) *redis.Options {
	o := &redis.Options{
		Addr: t.hosts[0], Username: t.username, Password: t.password, DB: t.db, TLSConfig: config,
		MaxRetries: noRetries, DialTimeout: opts.DialTimeout, DialerRetries: 1, ReadTimeout: opts.OpTimeout, WriteTimeout: opts.OpTimeout,
		ContextTimeoutEnabled: true, PoolSize: opts.MaxConns, MaxActiveConns: opts.MaxConns, PoolTimeout: opts.OpTimeout,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if strings.HasPrefix(o.Addr, "/") {
		o.Network = "unix"
	}
	return o
}

func failoverOptions(t target, opts Options, config *tls.Config) *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName: t.master, SentinelAddrs: t.hosts, SentinelUsername: t.sentinelUser, SentinelPassword: t.sentinelPassword,
		Username: t.username, Password: t.password, DB: t.db, TLSConfig: config,
		MaxRetries: noRetries, DialTimeout: opts.DialTimeout, DialerRetries: 1, ReadTimeout: opts.OpTimeout, WriteTimeout: opts.OpTimeout,
		ContextTimeoutEnabled: true, PoolSize: opts.MaxConns, MaxActiveConns: opts.MaxConns, PoolTimeout: opts.OpTimeout,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, PipelinePoolSize: -1, DisableIdentity: true,
	}
}

func clusterOptions(t target, opts Options, config *tls.Config) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: t.hosts, Username: t.username, Password: t.password, TLSConfig: config, MaxRedirects: redirects, DisableRoutingPolicies: true,
		MaxRetries: noRetries, DialTimeout: opts.DialTimeout, DialerRetries: 1, ReadTimeout: opts.OpTimeout, WriteTimeout: opts.OpTimeout,
		ContextTimeoutEnabled: true, PoolSize: opts.MaxConns, MaxActiveConns: opts.MaxConns, PoolTimeout: opts.OpTimeout,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
