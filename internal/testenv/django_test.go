package testenv_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

const (
	userName = "syed"
	password = "correct horse"
)

func TestDjangoPages(t *testing.T) {
	site := testenv.Django(t, testenv.DjangoOptions{CookieAge: time.Hour, CookieName: "ticket", Settings: map[string]any{"TIME_ZONE": "Asia/Tokyo"}})
	site.CreateUser(userName, password, "staff", "desk")
	client := site.Login(userName, password)

	who := site.Whoami(client)
	if who.User != userName || !who.Authenticated || who.SessionKey == "" || who.Session["_auth_user_id"] != "1" {
		t.Errorf("after login: %+v", who)
	}
	if !strings.HasPrefix(who.Headers["HTTP_COOKIE"], "csrftoken=") || !strings.Contains(who.Headers["HTTP_COOKIE"], "ticket=") {
		t.Errorf("cookie header = %q, want csrftoken and ticket", who.Headers["HTTP_COOKIE"])
	}

	site.Get(client, "/set/colour/green")
	site.Get(client, "/cycle")
	if got := site.Get(client, "/get/colour"); got != "green" {
		t.Errorf("after cycle colour = %q, want green", got)
	}
	if after := site.Whoami(client).SessionKey; after == who.SessionKey {
		t.Errorf("the session key outlived cycle: %s", after)
	}

	other := site.Login(userName, password)
	site.Post(client, "/password-change", url.Values{"password": {"another"}, "keep": {"1"}})
	if got, others := site.Whoami(client).User, site.Whoami(other).User; got != userName || others != "" {
		t.Errorf("after the password change here %q, elsewhere %q, want %q and nobody", got, others, userName)
	}

	site.Get(client, "/deactivate/"+userName)
	if got := site.Whoami(client).User; got != "" {
		t.Errorf("deactivated, but still %q", got)
	}
	site.Get(client, "/activate/"+userName)
	if got := site.Whoami(site.Login(userName, "another")).User; got != userName {
		t.Errorf("activated and logged in: %q, want %q", got, userName)
	}
	site.Get(client, "/flush")
	if got := site.Whoami(client).Session; len(got) != 0 {
		t.Errorf("after flush the session holds %v", got)
	}
}

func TestDjangoManage(t *testing.T) {
	site := testenv.Django(t, testenv.DjangoOptions{})
	site.CreateSuperuser("root", password)
	site.Manage("clearsessions")
	if got := site.Shell("from django.contrib.auth.models import User; print(User.objects.get().is_superuser)"); strings.TrimSpace(got) != "True" {
		t.Errorf("superuser: %q, want True", got)
	}
	if got := site.Whoami(site.Login("root", password)).User; got != "root" {
		t.Errorf("logged in as %q, want root", got)
	}
	checkRestart(t, site.Server)
}

// Sessions live through every engine, database and cache that the tests of the stores want to share.
func TestDjangoStores(t *testing.T) {
	redis := func(t *testing.T) testenv.DjangoOptions {
		return testenv.DjangoOptions{Engine: "cache", CacheURL: testenv.Redis(t).URL, KeyPrefix: "myapp", CacheVersion: 7}
	}
	for name, options := range map[string]func(*testing.T) testenv.DjangoOptions{
		"file": func(t *testing.T) testenv.DjangoOptions {
			return testenv.DjangoOptions{Engine: "file", FilePath: t.TempDir()}
		},
		"signed_cookies": func(*testing.T) testenv.DjangoOptions { return testenv.DjangoOptions{Engine: "signed_cookies"} },
		"postgres": func(t *testing.T) testenv.DjangoOptions {
			return testenv.DjangoOptions{DatabaseURL: testenv.Postgres(t)}
		},
		"mariadb": func(t *testing.T) testenv.DjangoOptions {
			return testenv.DjangoOptions{DatabaseURL: testenv.MariaDB(t)}
		},
		"redis": redis,
		"redis tls": func(t *testing.T) testenv.DjangoOptions {
			server := testenv.RedisTLS(t)
			return testenv.DjangoOptions{Engine: "cached_db", CacheURL: server.URL, CacheCAFile: server.CAFile}
		},
		"memcached": func(t *testing.T) testenv.DjangoOptions {
			first, second := testenv.Memcached(t), testenv.Memcached(t)
			return testenv.DjangoOptions{Engine: "cache", CacheURL: testenv.MemcachedURL(first.Addr, second.Addr)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			site := testenv.Django(t, options(t))
			client := site.Client()
			site.Get(client, "/set/colour/green")
			if got := site.Get(client, "/get/colour"); got != "green" {
				t.Errorf("colour = %q, want green", got)
			}
		})
	}
}

func TestRadicale(t *testing.T) {
	site := testenv.Radicale(t, testenv.RadicaleOptions{})
	for user, want := range map[string]int{"": http.StatusForbidden, userName: http.StatusMultiStatus} {
		if got := propfind(t, site.URL+"/"+userName+"/", user); got != want {
			t.Errorf("X-Remote-User %q: status %d, want %d", user, got, want)
		}
	}
	checkRestart(t, site.Server)
}

func propfind(t *testing.T, url, user string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "PROPFIND", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("X-Remote-User", user)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
