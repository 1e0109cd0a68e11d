package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary plays the program and the bare parent, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && slices.Contains([]string{"child", "parent"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// Each parent that is installed starts the program, is measured, and copies its output if it does so. How fast is not
// judged here.
func TestParentsAreMeasured(t *testing.T) {
	s := settings{rounds: 1, logs: 1, megabytes: 1, settle: time.Millisecond, idle: time.Millisecond, dir: t.TempDir()}
	all, got, err := figuresOf(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nobody", "wrap", "a parent in Go", "cat"} {
		if got[name] == nil {
			t.Fatalf("not measured: %s", name)
		}
	}
	for _, c := range all {
		f := got[c.name]
		if len(f.starts) != 1 || f.starts[0] <= 0 || c.logs && (len(f.logged) != 1 || f.logged[0] <= 0) || c.name != "nobody" && f.rss <= 0 {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	left, err := os.ReadDir(s.dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLimits(t *testing.T) {
	got := map[string]*figures{
		"nobody":         {starts: []time.Duration{time.Millisecond}},
		"cat":            {logged: []time.Duration{time.Second}},
		"a parent in Go": {},
		"wrap":           {starts: []time.Duration{6 * time.Millisecond}, rss: 12 << 20, logged: []time.Duration{1500 * time.Millisecond}},
	}
	if says := limits(got); len(says) != 4 || slices.ContainsFunc(says, func(s string) bool { return !strings.HasPrefix(s, "reached: ") }) {
		t.Errorf("just reached: %q", says)
	}
	got["supervisord"] = &figures{rss: 24 << 20}
	got["wrap"] = &figures{starts: []time.Duration{7 * time.Millisecond}, rss: 13 << 20, wakeups: 1, logged: []time.Duration{1501 * time.Millisecond}}
	if says := limits(got); len(says) != 5 || slices.ContainsFunc(says, func(s string) bool { return !strings.HasPrefix(s, "MISSED: ") }) {
		t.Errorf("just missed: %q", says)
	}
}
