package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

func median[T cmp.Ordered](all []T) (m T) {
	if len(all) > 0 {
		m = slices.Sorted(slices.Values(all))[len(all)/2]
	}
	return m
}

func show(all []contestant, got map[string]*figures, s settings) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "parent\tmemory\tadded to the start\twake-ups in %v\t%d MiB to a file\tof cat\t\n", s.idle, s.megabytes)
	bare, cat := median(got["nobody"].starts), median(got["cat"].logged)
	for _, c := range all[1:] {
		f := got[c.name]
		logged, ratio := "-", "-"
		if c.logs {
			took := median(f.logged)
			logged, ratio = fmt.Sprintf("%.2f s", took.Seconds()), fmt.Sprintf("%.1f x", float64(took)/float64(cat))
		}
		fmt.Fprintf(w, "%s\t%.1f MiB\t%.1f ms\t%d\t%s\t%s\t\n", c.name, float64(f.rss)/(1<<20), float64(median(f.starts)-bare)/1e6, f.wakeups, logged, ratio)
	}
	_ = w.Flush()
	for _, l := range limits(got) {
		fmt.Println(l)
	}
}

// limits returns what wrap has to reach, and whether it does.
func limits(got map[string]*figures) (says []string) {
	wrap := got["wrap"]
	say := func(reached bool, format string, a ...any) {
		word := "MISSED"
		if reached {
			word = "reached"
		}
		says = append(says, word+": wrap has "+fmt.Sprintf(format, a...))
	}
	const most = 12 << 20
	say(wrap.rss <= most, "<= %d MiB of memory", most>>20)
	if other := got["supervisord"]; other != nil {
		say(wrap.rss < other.rss/2, "less than half of supervisord's memory")
	}
	const added = 5 * time.Millisecond
	say(median(wrap.starts)-median(got["nobody"].starts) <= added, "<= %v added to the start", added)
	say(wrap.wakeups == 0, "no wake-ups (a parent in Go has %d, of its runtime)", got["a parent in Go"].wakeups)
	say(2*median(wrap.logged) <= 3*median(got["cat"].logged), "<= 1.5 x the time of cat")
	return says
}
