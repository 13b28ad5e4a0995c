package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fleet starts two proxies on one store, both writing the session at each request, and a user.
func fleet(t testing.TB, e engine) (first, second *process) {
	t.Helper()
	s := newSettings(t, e)
	s.session = []string{"save_every_request: true"}
	s.extra = "log: {level: warn}\n"
	first = serve(t, serveOptions{Config: s.yaml()})
	first.addUser("alice")
	return first, serve(t, serveOptions{Config: s.yaml()})
}

// cheap is e with a password format that costs nothing, for tests of many logins.
func (e engine) cheap() engine {
	e.hash = "md5"
	return e
}

// J3: who is logged in at one proxy is so at the other at once.
// J1: after a logout was acknowledged at one proxy, no request to the other is let in, while eight clients keep it busy with
// requests that each write the session.
func TestFleet(t *testing.T) {
	const rounds = 12
	forEachEngine(t, func(t *testing.T, e engine) {
		first, second := fleet(t, e.cheap())
		proxies := []*process{first, second}
		for round := range rounds {
			here, there := proxies[round%2], proxies[1-round%2]
			v := newVisitor(t, here.URL)
			v.login("alice", userPassword)
			if res := v.at(there.URL).fetch("/"); res.StatusCode != http.StatusOK {
				t.Fatalf("J3, round %d: read at the other proxy right after the login: %s", round, res.Status)
			}
			cookie := v.cookie("sessionid")
			crowd := newCrowd(t, there.URL, cookie, 8)
			crowd.await(rand.IntN(40))
			if res := visitorWith(t, here.URL, cookie).logout(); res.StatusCode != http.StatusSeeOther {
				t.Fatalf("J1, round %d: logout: %s", round, res.Status)
			}
			crowd.loggedOut.Store(true)
			crowd.await(24)
			served, resurrected := crowd.end()
			if served == 0 || resurrected > 0 {
				t.Errorf("J1, round %d: %d requests served before the logout, %d after it", round, served, resurrected)
			}
			if res := visitorWith(t, there.URL, cookie).fetch("/"); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("J1, round %d: after quiet: %s, want 401", round, res.Status)
			}
		}
	})
}

// crowd are clients of one session, each with a cookie jar of its own, that ask again and again.
type crowd struct {
	base      string
	loggedOut atomic.Bool // set once the logout was acknowledged
	answers   chan bool   // one for each answer; false from requests that began after the logout and were let in
	stop      chan struct{}
	gone      chan struct{} // closed when no client is left
	clients   sync.WaitGroup
	served    int
	broken    int
}

func newCrowd(t testing.TB, base, cookie string, size int) *crowd {
	t.Helper()
	c := &crowd{base: base, answers: make(chan bool), stop: make(chan struct{}), gone: make(chan struct{})}
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		go func() {
			c.clients.Wait()
			close(c.gone)
		}()
	}()
	for range size {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(at, []*http.Cookie{{Name: "sessionid", Value: cookie}})
		c.clients.Go(func() { c.ask(t, at, jar) })
	}
	return c
}

func (c *crowd) ask(t testing.TB, at *url.URL, jar *cookiejar.Jar) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for {
		req, err := http.NewRequest(http.MethodGet, c.base+"/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Accept", "application/json")
		for _, cookie := range jar.Cookies(at) {
			req.AddCookie(cookie)
		}
		after := c.loggedOut.Load()
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK { // a cookie that is taken away is kept and shown again, as a thief would
			jar.SetCookies(at, res.Cookies())
		}
		switch res.StatusCode {
		case http.StatusOK, http.StatusUnauthorized:
		default:
			t.Error(fmt.Errorf("%s while the session ends elsewhere", res.Status))
		}
		select {
		case c.answers <- !after || res.StatusCode != http.StatusOK:
		case <-c.stop:
			return
		}
	}
}

// await lets so many answers pass, and one for each client that may still be on its way. Clients that met an error are gone.
func (c *crowd) await(answers int) {
	for range answers + 8 {
		select {
		case fine := <-c.answers:
			if fine {
				c.served++
			} else {
				c.broken++
			}
		case <-c.gone:
			return
		}
	}
}

func (c *crowd) end() (served, resurrected int) {
	close(c.stop)
	c.clients.Wait()
	return c.served, c.broken
}
