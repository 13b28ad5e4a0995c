package cachestore_test

import (
	"testing"
	"time"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
)

// How a program uses sessions in a cache; the examples of package sessionstore show the other engines.
func TestUse(t *testing.T) {
	for name, url := range map[string]string{"redis": testenv.Redis(t).URL, "memcached": testenv.Memcached(t).URL} {
		t.Run(name, func(t *testing.T) {
			c, err := cache.Open(url, cache.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			sessions := sessionstore.New(cachestore.New(c, cachestore.Options{}), sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, time.Now)
			session, err := sessions.Open(t.Context(), "")
			if err == nil {
				err = session.Set("username", "syed")
			}
			if err == nil {
				err = session.Save(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			session, err = sessions.Open(t.Context(), session.Key())
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := session.GetString("username"); got != "syed" {
				t.Errorf("username %q", got)
			}
			if err := session.Flush(t.Context()); err != nil || !session.Empty() {
				t.Errorf("flush: %v", err)
			}
		})
	}
}
