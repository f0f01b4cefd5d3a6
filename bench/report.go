package main

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// report runs comparisons and prints their results.
type report struct {
	rounds int
	quick  bool
	only   *regexp.Regexp
}

// side is one of the two that are compared: run does the work once, and returns how long one operation of it took.
type side struct {
	name string
	run  func() (time.Duration, error)
}

func (r *report) heading() {
	fmt.Printf("%s, %d CPUs, medians of %d interleaved rounds\n\n", runtime.Version(), runtime.NumCPU(), r.rounds)
	fmt.Printf("%-44s %-34s %-34s %-22s %s\n", "", "peer", "zkfs", "peer/zkfs", "of the best rounds")
}

// compare runs both sides in turn, first once without counting. The ratio is above 1 where ours is faster. The ratio of the best rounds
// of each side is that which other work on the machine disturbs least.
func (r *report) compare(name string, peer, ours side) error {
	if !r.only.MatchString(name) {
		return nil
	}
	var a, b, ratio []float64
	for round := range r.rounds + 1 {
		p, err := peer.run()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, peer.name, err)
		}
		o, err := ours.run()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, ours.name, err)
		}
		if round == 0 {
			continue
		}
		a, b, ratio = append(a, float64(p)), append(b, float64(o)), append(ratio, float64(p)/float64(o))
	}
	fmt.Printf("%-44s %-34s %-34s %-22s %.2f\n", name,
		fmt.Sprintf("%s %v", peer.name, round(median(a))), fmt.Sprintf("%s %v", ours.name, round(median(b))),
		fmt.Sprintf("%.2f (%.2f to %.2f)", median(ratio), slices.Min(ratio), slices.Max(ratio)), slices.Min(a)/slices.Min(b))
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func round(ns float64) time.Duration {
	d := time.Duration(ns)
	switch {
	case d > time.Second:
		return d.Round(time.Millisecond)
	case d > time.Millisecond:
		return d.Round(time.Microsecond)
	}
	return d.Round(10 * time.Nanosecond)
}
