package testenv_test

import (
	"testing"

	"coatcheck/internal/testenv"
)

// BenchmarkStart measures what a test pays for its servers: b.N servers start, and all of them end with the benchmark.
func BenchmarkStart(b *testing.B) {
	for name, start := range map[string]func(testing.TB){
		"postgres database": func(t testing.TB) { testenv.Postgres(t) },
		"postgres":          func(t testing.TB) { testenv.PostgresServer(t) },
		"mariadb database":  func(t testing.TB) { testenv.MariaDB(t) },
		"mariadb":           func(t testing.TB) { testenv.MariaDBServer(t) },
		"redis":             func(t testing.TB) { testenv.Redis(t) },
		"redis tls":         func(t testing.TB) { testenv.RedisTLS(t) },
		"redis sentinel":    func(t testing.TB) { testenv.RedisSentinel(t) },
		"redis cluster":     func(t testing.TB) { testenv.RedisCluster(t) },
		"memcached":         func(t testing.TB) { testenv.Memcached(t) },
		"django":            func(t testing.TB) { testenv.Django(t, testenv.DjangoOptions{}) },
		"radicale":          func(t testing.TB) { testenv.Radicale(t, testenv.RadicaleOptions{}) },
		"php-fpm":           func(t testing.TB) { testenv.PHPFPM(t, b.TempDir()) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				start(b)
			}
		})
	}
}
