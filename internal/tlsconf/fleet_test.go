package tlsconf

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/certtable"
)

// Processes that share a shelf make one order between them, for the certificate and for its renewal, and any of them answers the
// authority's question.
func TestFleet_F31(t *testing.T) {
	for name, open := range shelves(t) {
		if strings.Contains(name, " ") {
			continue // the suite has them
		}
		t.Run(name, func(t *testing.T) {
			s := newStandFor(t, 20*time.Second)
			options := func() Options {
				o := s.options()
				o.Shelf, o.Keys, o.Dir, o.renewalWindow = open(t), fleetKeys, "", 0.75
				return o
			}
			front := s.open(options())
			s.serve(front, front.Config())
			fleet := []*Certificates{front, s.open(options()), s.open(options())}
			first := s.await("")
			for _, c := range fleet {
				s.until("each has the certificate", func() bool { return len(c.Expiries()) == 1 })
			}
			if got := s.ca.Orders(); got != 1 {
				t.Errorf("orders for one certificate in three processes: got %d, want 1", got)
			}
			for _, c := range fleet[1:] {
				c.Close()
			}
			time.Sleep(time.Until(first.NotBefore.Add(6 * time.Second))) // a quarter of its life is over
			for range 2 {                                                // certmagic remembers renewals that run for the whole process: one after the other
				c := s.open(options())
				s.until("each has the renewed certificate", func() bool { l := c.Expiries(); return len(l) == 1 && l[0].NotAfter.After(first.NotAfter) })
			}
			if got := s.ca.Orders(); got != 2 {
				t.Errorf("orders with one renewal: got %d, want 2", got)
			}
		})
	}
}

// until waits for what has to come.
func (s *stand) until(what string, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("in vain: %s\n%s", what, s.log.String())
		}
	}
}

// failing is a shelf whose server is down for a while.
type failing struct {
	*certtable.Table
	down atomic.Bool
}

var errDown = errors.New("the server is down")

func (f *failing) Get(ctx context.Context, name string) (string, error) {
	if f.down.Load() {
		return "", errDown
	}
	return f.Table.Get(ctx, name)
}

func (f *failing) Put(ctx context.Context, name, value, lock, token string) (bool, error) {
	if f.down.Load() {
		return false, errDown
	}
	return f.Table.Put(ctx, name, value, lock, token)
}

func (f *failing) Take(ctx context.Context, lock, token string, lease time.Duration) (bool, error) {
	if f.down.Load() {
		return false, errDown
	}
	return f.Table.Take(ctx, lock, token, lease)
}

// Without its storage a process starts, shows no certificate and speaks no plain text; when the storage comes, so does the certificate. Later the storage is
// not needed to show it, and a full or broken one orders nothing.
func TestStorageDown_F31(t *testing.T) {
	s := newStand(t)
	shelf := &failing{Table: shelves(t)["sqlite"](t).(*certtable.Table)}
	shelf.down.Store(true)
	o := s.options()
	o.Shelf, o.Keys = shelf, fleetKeys
	c := s.open(o)
	s.serve(c, c.Config())
	if _, err := s.leaf(); err == nil {
		t.Error("a handshake succeeded without a certificate")
	}
	s.said("it is tried again")
	if res, err := http.Get("http://" + s.tls.Addr().String()); err == nil && res.StatusCode != http.StatusBadRequest {
		t.Errorf("plain http: got %s, want 400 or nothing", res.Status)
	}
	if got := s.ca.Orders(); got != 0 {
		t.Errorf("%d orders, though nothing could be stored", got)
	}
	shelf.down.Store(false)
	serial := s.await("").SerialNumber.String()
	shelf.down.Store(true)
	if leaf, err := s.leaf(); err != nil || leaf.SerialNumber.String() != serial {
		t.Errorf("the storage went down: got %v, want the certificate as before", err)
	}
}

// An expired certificate in the storage is shown while there is no other, and told of. (That one which has to be renewed is, is TestRenewal's.)
func TestExpired_F31(t *testing.T) {
	s := newStandFor(t, 3*time.Second)
	first := s.open(s.options())
	var current atomic.Pointer[Certificates]
	current.Store(first)
	s.serve(first, switched(&current))
	s.await("")
	first.Close()
	s.ca.Stop()
	time.Sleep(4 * time.Second)
	current.Store(s.open(s.options()))
	conn, err := tls.Dial("tcp", s.tls.Addr().String(), &tls.Config{ServerName: s.domain, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	s.said("certificate has expired")
}

// A name that the rule allows gets a certificate when it is first asked for; no order is made for any other.
func TestOnDemand(t *testing.T) {
	s := newStand(t)
	var broken atomic.Bool
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case broken.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Query().Get("domain") != s.domain:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer ask.Close()
	rule, err := RuleAsk(ask.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := s.options()
	o.Domains, o.OnDemand = nil, rule
	c := s.open(o)
	s.serve(c, c.Config())
	for _, name := range []string{"refused.coatcheck.test", "", "127.0.0.1", "*.coatcheck.test", "../../etc/passwd"} {
		conn, err := tls.Dial("tcp", s.tls.Addr().String(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
			t.Errorf("%q got a certificate", name)
		}
	}
	if got := s.ca.Orders(); got != 0 {
		t.Errorf("orders for names that are refused: got %d, want 0", got)
	}
	first := s.await("")
	if again := s.await(""); again.SerialNumber.Cmp(first.SerialNumber) != 0 || s.ca.Orders() != 1 {
		t.Errorf("the next handshake: %d orders, want the same certificate by one", s.ca.Orders())
	}
	if !c.Covers(s.domain) || c.Covers("refused.coatcheck.test") || c.Covers("127.0.0.1") {
		t.Error("covers: want what the rule allows alone")
	}
	broken.Store(true)
	rule.now = func() time.Time { return time.Now().Add(answerTime) }
	m := c.source.(*managed)
	if err := m.decide(t.Context(), s.domain); err != nil {
		t.Errorf("the rule cannot be asked: got %v, want that the certificate there is stays", err)
	}
	if err := m.decide(t.Context(), "new.coatcheck.test"); err == nil {
		t.Error("the rule cannot be asked: a new name was allowed")
	}
}
