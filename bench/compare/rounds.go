package main

import (
	"context"
	"slices"
	"time"

	"coatcheck/bench/wire"
)

// warmUp is the load before a round that is not counted.
const warmUp = 300 * time.Millisecond

// sample is one round of one subject.
type sample struct {
	cpu      time.Duration // per request, of the proxy and its children
	perSec   float64       // requests
	p50, p99 time.Duration
	memory   int64 // bytes, at the end
}

// figures are the medians of a subject's rounds.
type figures struct {
	sample
	name, says string
	spread     float64 // of CPU per request: the highest round less the lowest, as a share of the median
}

// measured is one round: the load runs, the proxy's clock and memory are read.
func measured(r *running, load func() (wire.Result, error)) (sample, error) {
	before, err := r.process.CPU()
	if err != nil {
		return sample{}, err
	}
	result, err := load()
	if err != nil {
		return sample{}, err
	}
	after, err := r.process.CPU()
	if err != nil {
		return sample{}, err
	}
	memory, err := r.process.Memory()
	slices.Sort(result.Latencies)
	return sample{cpu: (after - before) / time.Duration(result.Answers), perSec: float64(result.Answers) / result.Elapsed.Seconds(),
		p50: at(result.Latencies, 0.5), p99: at(result.Latencies, 0.99), memory: memory}, err
}

func at[T any](sorted []T, share float64) T {
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// warm lets the subjects take turns, so that what else the machine does meets all of them.
func warm(ctx context.Context, all []*running, o options) ([]figures, error) {
	return inTurn(ctx, "warm", all, o.rounds, func(r *running, _ int) (sample, error) {
		load := func(d time.Duration) func() (wire.Result, error) {
			return func() (wire.Result, error) {
				return r.load(requests(r.addr, []string{"/"}, r.cookies), 0, d)
			}
		}
		if _, err := load(o.warmUp)(); err != nil {
			return sample{}, err
		}
		return measured(r, load(o.length))
	})
}

// cold sends one request with each of many sessions that the process has never seen.
func cold(ctx context.Context, all []*running, o options) ([]figures, error) {
	var ours []*running
	fresh := map[*running][]string{}
	for _, r := range all {
		if r.site == nil || r.tls || r.login == "" {
			continue
		}
		ours = append(ours, r)
		say("cold: make sessions, %s", r.name)
		cookies, err := r.site.Copies(ctx, r.login, o.rounds*o.fresh)
		if err != nil {
			return nil, err
		}
		fresh[r] = cookies
	}
	return inTurn(ctx, "cold", ours, o.rounds, func(r *running, round int) (sample, error) {
		cookies := fresh[r][round*o.fresh : (round+1)*o.fresh]
		return measured(r, func() (wire.Result, error) {
			return r.load(requests(r.addr, []string{"/"}, cookies), len(cookies), time.Minute)
		})
	})
}

// inTurn runs rounds A B C A B C … and gives each subject's medians.
func inTurn(ctx context.Context, what string, all []*running, rounds int, one func(r *running, round int) (sample, error)) ([]figures, error) {
	samples := make([][]sample, len(all))
	for round := range rounds {
		for i, r := range all {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s, err := one(r, round)
			if err != nil {
				return nil, err
			}
			say("%s %d/%d %-32s %7.1f µs CPU per request, %6.0f/s, p50 %v, p99 %v", what, round+1, rounds, r.name, micros(s.cpu), s.perSec, s.p50.Round(time.Microsecond), s.p99.Round(time.Microsecond))
			samples[i] = append(samples[i], s)
		}
	}
	list := make([]figures, len(all))
	for i, r := range all {
		list[i] = medians(samples[i])
		list[i].name, list[i].says = r.name, r.says
	}
	return list, nil
}

func medians(rounds []sample) figures {
	f := figures{sample: sample{cpu: median(rounds, func(s sample) time.Duration { return s.cpu }), perSec: median(rounds, func(s sample) float64 { return s.perSec }),
		p50: median(rounds, func(s sample) time.Duration { return s.p50 }), p99: median(rounds, func(s sample) time.Duration { return s.p99 }),
		memory: median(rounds, func(s sample) int64 { return s.memory })}}
	lowest, highest := rounds[0].cpu, rounds[0].cpu
	for _, s := range rounds {
		lowest, highest = min(lowest, s.cpu), max(highest, s.cpu)
	}
	f.spread = float64(highest-lowest) / float64(f.cpu)
	return f
}

func median[T int64 | float64 | time.Duration](rounds []sample, of func(sample) T) T {
	var values []T
	for _, s := range rounds {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
