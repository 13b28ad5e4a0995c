package tlsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits of asking. Names come from anybody who can open a connection.
const (
	mostAsks   = 8               // at once
	mostAnswer = 1024            // answers remembered
	answerTime = time.Minute     // for which an answer counts
	ruleTime   = 5 * time.Second // for one question
)

// ErrRefused: the rule does not allow a certificate for this name.
var ErrRefused = errors.New("the rule of tls.on_demand allows no certificate for this name")

// Rule says which names may get a certificate on demand. Safe for concurrent use.
type Rule struct {
	ask    *url.URL // nil: hosts decide
	hosts  map[string]bool
	client *http.Client
	now    func() time.Time
	turns  chan struct{}

	mu      sync.Mutex
	answers map[string]answer
}

type answer struct {
	allowed bool
	at      time.Time
}

// RuleHosts allows these names.
func RuleHosts(hosts []string) *Rule {
	r := newRule()
	for _, host := range hosts {
		if host != "" {
			r.hosts[strings.ToLower(host)] = true
		}
	}
	return r
}

// RuleAsk asks at a URL: GET with domain=NAME added to its query; 2xx allows, 4xx and redirections refuse, everything else is a fault. The answer counts for
// a minute.
func RuleAsk(address string) (*Rule, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("tls.on_demand.ask: must be a URL with http:// or https://, or routes")
	}
	r := newRule()
	r.ask = u
	return r, nil
}

func newRule() *Rule {
	return &Rule{hosts: map[string]bool{}, now: time.Now, turns: make(chan struct{}, mostAsks), answers: map[string]answer{},
		client: &http.Client{Timeout: ruleTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// allows returns nil, [ErrRefused], or a fault: nobody knows.
func (r *Rule) allows(ctx context.Context, name string) error {
	name = strings.ToLower(name)
	if r.ask == nil {
		return verdict(r.hosts[name])
	}
	if allowed, known := r.known(name); known {
		return verdict(allowed)
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	default:
		return errors.New("ask about a certificate (tls.on_demand.ask): too many are asked about at once")
	}
	allowed, err := r.question(ctx, name)
	if err != nil {
		return fmt.Errorf("ask about a certificate (tls.on_demand.ask): %w", err)
	}
	r.remember(name, allowed)
	return verdict(allowed)
}

func verdict(allowed bool) error {
	if allowed {
		return nil
	}
	return ErrRefused
}

func (r *Rule) known(name string) (allowed, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, known := r.answers[name]
	return a.allowed, known && r.now().Sub(a.at) < answerTime
}

// remember forgets all when there are too many: they are good for a minute anyway.
func (r *Rule) remember(name string, allowed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= mostAnswer {
		clear(r.answers)
	}
	r.answers[name] = answer{allowed, r.now()}
}

func (r *Rule) question(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	u := *r.ask
	query := u.Query()
	query.Set("domain", name)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
	switch res.StatusCode / 100 {
	case 2:
		return true, nil
	case 3, 4:
		return false, nil
	}
	return false, errors.New(res.Status)
}

func (r *Rule) close() { r.client.CloseIdleConnections() }
