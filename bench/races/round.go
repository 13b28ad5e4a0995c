package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// logoutTries is how often a logout is repeated that was not acknowledged.
const logoutTries = 10

// third is the process that is killed.
const third = 2

// tally is what the rounds have shown.
type tally struct {
	rounds, kills   int
	served, refused int // requests before the logout, and after it
	risen           int // J1: let in though the logout was acknowledged before they began, or a record that is still there
	lost            int // J3: refused though the login was acknowledged
	busy            int // 503, from a store that did not come to it in time; or a logout that the killed process did not answer
	odd             int // any other answer
	ended           int // sessions that were asked for again at the end
}

type runner struct {
	*fleet
	options options
	tally
	cookies []string // of sessions that have ended
}

// round is the life of one session: a login, a read elsewhere (J3), a crowd that uses it, a logout (J1), quiet.
func (r *runner) round(ctx context.Context, n int) error {
	order := rand.Perm(len(r.proxies))
	b := newBrowser(r.proxies[order[0]].url, "")
	defer b.close()
	if err := b.login(ctx); err != nil {
		return err
	}
	if err := r.readElsewhere(ctx, b.cookie, order[1]); err != nil {
		return err
	}
	killing := r.options.killEvery > 0 && n%r.options.killEvery == r.options.killEvery-1
	c := r.gather(ctx, b.cookie, killing)
	err := r.endWithin(ctx, c, b.cookie, order[2], killing)
	c.end()
	if err != nil {
		return err
	}
	r.count(c)
	if killing {
		if r.proxies[third], err = r.start(ctx); err != nil {
			return err
		}
		r.kills++
	}
	return r.after(ctx, append(c.cookies(), b.cookie))
}

// readElsewhere is J3.
func (r *runner) readElsewhere(ctx context.Context, cookie string, at int) error {
	b := newBrowser(r.proxies[at].url, cookie)
	defer b.close()
	status, err := b.read(ctx)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		r.lost++
	case http.StatusServiceUnavailable:
		r.busy++
	default:
		r.odd++
	}
	return nil
}

// endWithin logs out in the midst of the crowd, and kills the third process if that is its turn; a logout that it could not acknowledge is repeated
// at another.
func (r *runner) endWithin(ctx context.Context, c *crowd, cookie string, at int, killing bool) error {
	c.await(ctx, rand.IntN(4))
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		if killing {
			time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
			r.proxies[third].kill()
		}
	}()
	b := newBrowser(r.proxies[at].url, cookie)
	defer b.close()
	err := b.logout(ctx)
	<-killed
	for range logoutTries {
		if err == nil {
			break
		}
		if killing && at == third {
			b.base, b.cookie = r.proxies[0].url, cookie
		}
		r.busy++
		err = b.logout(ctx)
	}
	time.Sleep(r.options.bound)
	c.over.Store(true)
	if err == nil {
		c.await(ctx, 3)
	}
	return err
}

// after is quiet: nobody writes any more.
func (r *runner) after(ctx context.Context, cookies []string) error {
	cookies = slices.Compact(slices.Sorted(slices.Values(cookies)))
	for _, p := range r.proxies {
		for _, cookie := range cookies {
			if err := r.dead(ctx, p, cookie); err != nil {
				return err
			}
		}
	}
	r.rounds++
	r.cookies = append(r.cookies, cookies...)
	return nil
}

func (r *runner) dead(ctx context.Context, p *process, cookie string) error {
	b := newBrowser(p.url, cookie)
	defer b.close()
	status, err := b.read(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("ask after the logout: %w", err)
	case status == http.StatusOK:
		r.risen++
	case status == http.StatusServiceUnavailable:
		r.busy++
	case status != http.StatusUnauthorized:
		r.odd++
	}
	return nil
}

// crowd is two writers and two readers of one session, spread over the processes.
type crowd struct {
	over    atomic.Bool // the logout was acknowledged
	clients []*client
	stop    context.CancelFunc
	group   sync.WaitGroup
}

type client struct {
	*browser
	ask                  func(context.Context) (int, error)
	mortal               bool // its proxy may be killed
	answers              atomic.Int64
	served, refused, bad int
	busy, odd            int
	cookies              []string
}

func (r *runner) gather(ctx context.Context, cookie string, killing bool) *crowd {
	c := &crowd{}
	ctx, c.stop = context.WithCancel(ctx)
	for i, at := range []int{0, 1, 2, third} {
		member := &client{browser: newBrowser(r.proxies[at].url, cookie), mortal: killing && at == third}
		member.ask = member.write
		if i%3 == 0 {
			member.ask = member.read
		}
		c.clients = append(c.clients, member)
		c.group.Go(func() { member.run(ctx, &c.over) })
	}
	if r.options.cold {
		c.group.Go(func() { r.chill(ctx, cookie) })
	}
	return c
}

func (c *client) run(ctx context.Context, over *atomic.Bool) {
	defer c.close()
	for ctx.Err() == nil {
		after := over.Load()
		status, err := c.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !c.mortal {
				c.odd++
			}
			c.answers.Store(1 << 30) // nobody shall wait for it
			return
		case status == http.StatusOK && after:
			c.bad++
		case status == http.StatusOK:
			c.served++
		case status == http.StatusUnauthorized:
			c.refused++
		case status == http.StatusServiceUnavailable:
			c.busy++
		default:
			c.odd++
		}
		if len(c.cookies) == 0 || c.cookies[len(c.cookies)-1] != c.cookie {
			c.cookies = append(c.cookies, c.cookie)
		}
		c.answers.Add(1)
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
	}
}

// await returns when each client had so many further answers.
func (c *crowd) await(ctx context.Context, answers int) {
	for _, member := range c.clients {
		for want := member.answers.Load() + int64(answers); member.answers.Load() < want && member.answers.Load() < 1<<30 && ctx.Err() == nil; {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

func (c *crowd) end() {
	c.stop()
	c.group.Wait()
}

// cookies are the last that each client was given.
func (c *crowd) cookies() []string {
	var all []string
	for _, member := range c.clients {
		all = append(all, member.cookies[max(0, len(member.cookies)-2):]...)
	}
	return all
}

func (r *runner) count(c *crowd) {
	for _, member := range c.clients {
		r.served += member.served
		r.refused += member.refused
		r.risen += member.bad
		r.busy += member.busy
		r.odd += member.odd
	}
}
