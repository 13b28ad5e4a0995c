package tlsconf

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many names there are, and whatever fails, an authority gets ten orders in a minute.
func TestLimit_F31(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limit{most: mostOrders, time: ordersTime, now: time.Now}
		start, passed := time.Now(), 0
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		for l.pass(ctx) == nil {
			passed++
			if most := mostOrders * (1 + int(time.Since(start)/ordersTime)); passed > most {
				t.Fatalf("%d after %v, want at most %d", passed, time.Since(start), most)
			}
		}
		if passed < 100 {
			t.Errorf("%d passed in ten minutes, want 100", passed)
		}
	})
}

func TestLate(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := life{"a.test", start, start.AddDate(0, 0, 90)}
	for days, want := range map[int]bool{0: false, 59: false, 62: false, 64: true, 89: true, 100: true} {
		if got := l.late(start.AddDate(0, 0, days)); got != want {
			t.Errorf("after %d of 90 days: got %v, want %v", days, got, want)
		}
	}
}

func TestRule(t *testing.T) {
	var asked atomic.Int64
	status := map[string]int{"yes.test": 200, "also.test": 204, "no.test": 404, "moved.test": 302, "broken.test": 500}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Query().Get("key") != "a&b" || r.Method != http.MethodGet {
			t.Errorf("asked %s %s, want GET with the URL's own query", r.Method, r.URL)
		}
		if code := status[r.URL.Query().Get("domain")]; code != 0 {
			w.Header().Set("Location", "/?key=a%26b&domain=yes.test")
			w.WriteHeader(code)
		}
	}))
	defer server.Close()
	r, err := RuleAsk(server.URL + "/ask?key=a%26b")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	now := time.Now()
	r.now = func() time.Time { return now }
	for _, c := range []struct {
		name, want string
		asked      int64
	}{
		{"yes.test", "allowed", 1}, {"YES.test", "allowed", 0}, {"also.test", "allowed", 1}, {"no.test", "refused", 1}, {"no.test", "refused", 0},
		{"moved.test", "refused", 1}, {"broken.test", "fault", 1}, {"broken.test", "fault", 1},
	} {
		before := asked.Load()
		if got := told(r.allows(t.Context(), c.name)); got != c.want || asked.Load()-before != c.asked {
			t.Errorf("%s: got %s, %d questions; want %s, %d", c.name, got, asked.Load()-before, c.want, c.asked)
		}
	}
	now = now.Add(answerTime)
	before := asked.Load()
	if got := told(r.allows(t.Context(), "no.test")); got != "refused" || asked.Load() == before {
		t.Errorf("after its time an answer counts no more: got %s, %d questions", got, asked.Load()-before)
	}
	for range mostAsks {
		r.turns <- struct{}{}
	}
	if got := told(r.allows(t.Context(), "more.test")); got != "fault" {
		t.Errorf("too many at once: got %s, want a fault", got)
	}
}

func told(err error) string {
	switch {
	case err == nil:
		return "allowed"
	case errors.Is(err, ErrRefused):
		return "refused"
	}
	return "fault"
}

func TestRuleOfHosts(t *testing.T) {
	r := RuleHosts([]string{"A.test", ""})
	for name, want := range map[string]string{"a.test": "allowed", "A.TEST": "allowed", "b.test": "refused", "x.a.test": "refused"} {
		if got := told(r.allows(t.Context(), name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := told(newRule().allows(t.Context(), "a.test")); got != "refused" {
		t.Errorf("a rule without hosts: got %s, want refused", got)
	}
	if _, err := RuleAsk("routes"); err == nil {
		t.Error("a URL that is none was taken")
	}
}
