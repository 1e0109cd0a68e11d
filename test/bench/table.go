package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// A table has one measurement of several contestants in the same rounds. The first contestant
// is the base.
type table struct {
	title string
	unit  string
	rows  []*row
	// second names a contestant that does by hand everything that ours does. Contestants with
	// a target are compared with it, too.
	second string
}

// A row is one contestant.
type row struct {
	name   string
	values []float64 // one per round
	note   string
	target *target
}

// A target is what a contestant has to reach.
type target struct {
	says    string
	reached func(base, own float64) bool // medians
}

func ratioOf(most float64) *target {
	return &target{
		fmt.Sprintf("<= %.2f x base", most),
		func(base, own float64) bool { return own <= most*base },
	}
}

func beyond(most float64, unit string) *target {
	return &target{
		fmt.Sprintf("<= base + %g %s", most, unit),
		func(base, own float64) bool { return own <= base+most },
	}
}

func absolute(most float64, unit string) *target {
	return &target{
		fmt.Sprintf("<= %.0f %s", most, unit),
		func(_, own float64) bool { return own <= most },
	}
}

// add adds one round's value to the contestant of that name.
func (t *table) add(name string, value float64) {
	r := t.row(name)
	r.values = append(r.values, value)
}

func (t *table) row(name string) *row {
	for _, r := range t.rows {
		if r.name == name {
			return r
		}
	}
	r := &row{name: name}
	t.rows = append(t.rows, r)
	return r
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", t.title, t.unit)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "  \tmin\tmedian\tmax\tratio\tpaired\t\n")
	base := t.rows[0].values
	for _, r := range t.rows {
		if len(r.values) == 0 {
			fmt.Fprintf(w, "  %s\t-\t-\t-\t-\t-\t%s\n", r.name, r.note)
			continue
		}
		ratio, paired := "-", "-" // there is no ratio to zero
		if slices.Min(base) > 0 {
			ratio, paired = fmt.Sprintf("%.2f", median(r.values)/median(base)), fmt.Sprintf("%.2f", median(ratios(r.values, base)))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.name,
			number(slices.Min(r.values)), number(median(r.values)), number(slices.Max(r.values)), ratio, paired, t.outcome(r))
	}
	_ = w.Flush() // to memory
	return b.String()
}

// outcome says whether r reached its target.
func (t *table) outcome(r *row) string {
	if r.target == nil {
		return r.note
	}
	word := "MISSED"
	if r.target.reached(median(t.rows[0].values), median(r.values)) {
		word = "reached"
	}
	text := word + ": " + r.target.says
	if t.second != "" {
		text += fmt.Sprintf(" (it is %.2f x %s)", median(r.values)/median(t.row(t.second).values), t.second)
	}
	return text
}

// median returns the median of values, of which there must be at least one.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratios returns the ratios round by round.
func ratios(values, base []float64) []float64 {
	var r []float64
	for i := range min(len(values), len(base)) {
		r = append(r, values[i]/base[i])
	}
	return r
}

// number formats v with about three digits, because more would suggest a false precision.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
