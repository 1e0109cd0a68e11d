package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	measured := &table{title: "exec -> READY, disk", unit: "ms", second: "bare, all files"}
	for round, v := range []float64{1, 3, 2} {
		measured.add("bare", v)
		measured.add("bare, all files", 2)
		measured.add("ours", []float64{1.5, 3, 2.5}[round])
		measured.add("slow", 4)
	}
	measured.row("ours").target = ratioOf(1.25)
	measured.row("slow").target = beyond(1, "ms")
	measured.row("other").note = "dies of SIGHUP"
	got := measured.String()
	want := []string{
		"exec -> READY, disk (ms)",
		"min median max ratio paired",
		"bare 1.00 2.00 3.00 1.00 1.00",
		"bare, all files 2.00 2.00 2.00 1.00 1.00",
		"ours 1.50 2.50 3.00 1.25 1.25 reached: <= 1.25 x base (it is 1.25 x bare, all files)",
		"slow 4.00 4.00 4.00 2.00 2.00 MISSED: <= base + 1 ms (it is 2.00 x bare, all files)",
		"other - - - - - dies of SIGHUP",
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	for i, line := range lines {
		if line = strings.Join(strings.Fields(line), " "); i >= len(want) || line != want[i] {
			t.Errorf("line %d is %q, want %q", i, line, append(want, "none")[min(i, len(want))])
		}
	}
	if len(lines) < len(want) {
		t.Errorf("%d lines, want %d:\n%s", len(lines), len(want), got)
	}
}

// Ratios to nothing are left out, and the base can be nothing in one round.
func TestTableWithoutBase(t *testing.T) {
	measured := &table{title: "allocations", unit: "allocations"}
	measured.add("one", 0)
	measured.add("none", 2)
	if got := measured.String(); strings.ContainsAny(got, "NI") {
		t.Error(got)
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{1: {1}, 2: {3, 1, 2}, 2.5: {4, 1, 3, 2}} {
		if got := median(values); got != want {
			t.Errorf("median of %v is %v, want %v", values, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	if a := absolute(200, "ns"); !a.reached(1, 200) || a.reached(1, 201) {
		t.Error("absolute")
	}
	if r := ratioOf(1.5); !r.reached(2, 3) || r.reached(2, 3.1) {
		t.Error("ratio")
	}
	if b := beyond(4, "MiB"); !b.reached(3, 7) || b.reached(3, 7.1) {
		t.Error("beyond")
	}
}
