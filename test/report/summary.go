package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A lineBreak stands for one within a note.
const lineBreak = "\v"

// text returns the notes in the format of the file: one line each, with tabs between the
// fields.
func (r *reader) text(stage string) string {
	var b strings.Builder
	for _, n := range r.notes {
		test := n.test
		if stage != "" {
			test = stage + ": " + test
		}
		fmt.Fprintf(&b, "%s\t%.2f\t%s\t%s\n", n.kind, n.seconds, test, strings.NewReplacer("\t", " ", "\n", lineBreak).Replace(n.text))
	}
	return b.String()
}

const slowest = 10

// summary returns the summary to print at the end.
func summary(text string) string {
	kinds := map[string][]note{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
		if len(f) != 4 {
			continue
		}
		seconds, _ := strconv.ParseFloat(f[1], 64)
		kinds[f[0]] = append(kinds[f[0]], note{f[0], seconds, f[2], f[3]})
	}
	var b strings.Builder
	if skipped := kinds["skip"]; len(skipped) > 0 {
		fmt.Fprintf(&b, "\n=== %d tests were skipped\n", len(skipped))
		for _, group := range byReason(skipped) {
			fmt.Fprintf(&b, "%s\n    %s\n", cmp.Or(group[0].text, "without a reason"), names(group))
		}
	}
	if waited := kinds["wait"]; len(waited) > 0 {
		fmt.Fprintf(&b, "\n=== this machine was slow, or busy: tests had to wait %d times\n", len(waited))
		for _, n := range waited {
			fmt.Fprintf(&b, "%s: %s\n", n.test, n.text)
		}
	}
	if took := kinds["took"]; len(took) > 0 {
		slices.SortStableFunc(took, func(a, b note) int { return cmp.Compare(b.seconds, a.seconds) })
		took = took[:min(slowest, len(took))]
		fmt.Fprintf(&b, "\n=== the slowest tests\n")
		for _, n := range took {
			fmt.Fprintf(&b, "%7.1fs  %s\n", n.seconds, n.test)
		}
	}
	if failed := kinds["fail"]; len(failed) > 0 {
		fmt.Fprintf(&b, "\n=== %d tests failed\n", len(failed))
		for _, n := range failed {
			text, more, _ := strings.Cut(n.text, lineBreak)
			fmt.Fprintf(&b, "%s\n", strings.TrimSpace(n.test+"  "+strings.TrimSpace(text)))
			for line := range strings.SplitSeq(more, lineBreak) {
				if line != "" {
					fmt.Fprintf(&b, "    %s\n", strings.TrimSpace(line))
				}
			}
		}
	}
	return b.String()
}

// byReason groups tests that were skipped for the same reason, the most frequent first.
func byReason(notes []note) [][]note {
	var groups [][]note
	for _, n := range notes {
		i := slices.IndexFunc(groups, func(g []note) bool { return g[0].text == n.text })
		if i < 0 {
			groups = append(groups, []note{n})
		} else {
			groups[i] = append(groups[i], n)
		}
	}
	slices.SortStableFunc(groups, func(a, b []note) int { return cmp.Compare(len(b), len(a)) })
	return groups
}

// names lists some tests, and the number of the others.
func names(notes []note) string {
	const some = 3
	var all []string
	for _, n := range notes[:min(some, len(notes))] {
		all = append(all, n.test)
	}
	text := strings.Join(all, "; ")
	if more := len(notes) - some; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
