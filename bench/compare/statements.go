package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bufio"
	"slices"

	"coatcheck/internal/sqlconn"
)

// calls is what 1000 warm requests asked of the stores, as coatcheck's metrics and as the stores themselves count.
type calls struct {
	name            string
	metrics, theirs float64
	counted         bool // by the store itself
}

// storeCalls begins the samples that count calls of stores.
const storeCalls = "coatcheck_store_call_duration_seconds_count"

// statistics is how long PostgreSQL's backends may keep their counters to themselves (PGSTAT_MIN_INTERVAL, 1 s; at idle 10 s at most).
const statistics = 1500 * time.Millisecond

// statements counts what warm requests ask, over one round of each of our own subjects.
func statements(ctx context.Context, all []*running, o options) ([]calls, error) {
	var list []calls
	for _, r := range all {
		if r.site == nil || r.tls {
			continue
		}
		say("statements %s", r.name)
		c, err := r.countCalls(ctx, o)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (r *running) countCalls(ctx context.Context, o options) (calls, error) {
	load := func() (float64, error) {
		result, err := r.load(requests(r.addr, []string{"/"}, r.cookies), 0, o.length)
		return float64(result.Answers), err
	}
	if _, err := load(); err != nil {
		return calls{}, err
	}
	metrics, theirs, _, err := r.counters(ctx)
	if err != nil {
		return calls{}, err
	}
	answers, err := load()
	if err != nil {
		return calls{}, err
	}
	metricsAfter, theirsAfter, counted, err := r.counters(ctx)
	return calls{name: r.name, metrics: (metricsAfter - metrics) / answers * 1000, theirs: (theirsAfter - theirs) / answers * 1000, counted: counted}, err
}

// counters are the calls until now; counted: the store has a counter of its own.
func (r *running) counters(ctx context.Context) (metrics, theirs float64, counted bool, err error) {
	if metrics, err = r.fromMetrics(ctx); err != nil {
		return 0, 0, false, err
	}
	add := func(n float64, e error) {
		theirs, counted = theirs+n, true
		if err == nil {
			err = e
		}
	}
	switch {
	case r.site.Redis != nil:
		add(number(r.site.Redis.Do("INFO", "stats"), "total_commands_processed:"))
	case strings.HasPrefix(r.site.CacheURL, "memcached:"):
		add(memcachedGets(ctx, strings.TrimPrefix(r.site.CacheURL, "memcached://")))
	}
	switch r.site.Dialect() {
	case sqlconn.Postgres:
		time.Sleep(statistics)
		add(r.query(ctx, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"))
	case sqlconn.MySQL:
		add(r.query(ctx, "SELECT CAST(VARIABLE_VALUE AS DOUBLE) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'QUESTIONS'"))
	}
	return metrics, theirs, counted, err
}

func (r *running) query(ctx context.Context, query string) (n float64, err error) {
	if err = r.site.DB.QueryRowContext(ctx, query).Scan(&n); err != nil {
		err = fmt.Errorf("ask for statistics: %w", err)
	}
	return n, err
}

// fromMetrics adds up all calls of sessions and users.
func (r *running) fromMetrics(ctx context.Context) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.server.Admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer res.Body.Close()
	var sum float64
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if text := lines.Text(); strings.HasPrefix(text, storeCalls) {
			n, err := strconv.ParseFloat(text[strings.LastIndexByte(text, ' ')+1:], 64)
			if err != nil {
				return 0, fmt.Errorf("read metrics: %w", err)
			}
			sum += n
		}
	}
	return sum, lines.Err()
}

// number finds the number behind a name in lines.
func number(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, fmt.Errorf("no %s in %.100q", name, text)
}

func memcachedGets(ctx context.Context, addr string) (float64, error) {
	lines, err := talk(ctx, addr, "stats\r\n")
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "STAT cmd_get ") })
	if i < 0 {
		return 0, fmt.Errorf("ask memcached: no cmd_get")
	}
	return strconv.ParseFloat(strings.TrimPrefix(lines[i], "STAT cmd_get "), 64)
}
