package singleton_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// On a busy machine the first page of the list of locks can take longer than the time for all of
// it. Who is named there was not found.
func TestSquatter_OnASlowMachineIsNamed(t *testing.T) {
	self := os.Getpid()
	line := fmt.Sprintf("1: FLOCK  ADVISORY  WRITE %d 00:19:77 0 EOF\n", self)
	cut := strings.TrimSuffix(line, "7 0 EOF\n") // the end of a page, in the middle of a number
	for name, tt := range map[string]struct {
		list io.Reader
		want []int
	}{
		"on the first page": {strings.NewReader(line), []int{self}},
		"on the next":       {io.MultiReader(strings.NewReader("junk\n"), strings.NewReader(line)), nil},
		"of another file":   {strings.NewReader(strings.Replace(line, ":77", ":177", 1)), nil},
		"cut off":           {strings.NewReader(cut), nil},
	} {
		ino := uint64(77)
		if name == "cut off" {
			ino = 7
		}
		if got := singleton.Lockers(tt.list, ino, time.Now().Add(-time.Second)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// However often somebody has locked the PID file, the process is named once, and a start works
// around it.
func TestSquatter_WithManyLocksIsNamedOnce(t *testing.T) {
	o := options(t)
	l, err := singleton.Acquire(o)
	must(t, err)
	must(t, l.Release())
	must(t, os.WriteFile(o.PIDFile(), nil, 0o644)) //nolint:gosec // everybody may read it
	for range 200 {
		f, err := os.Open(filepath.Clean(o.PIDFile()))
		must(t, err)
		t.Cleanup(func() { _ = f.Close() })
		must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_SH))
	}
	l, err = singleton.Acquire(o)
	must(t, err)
	defer func() { must(t, l.Release()) }()
	found := l.Check()
	if len(found) != 1 || strings.Count(found[0].Error(), "process ") != 1 {
		t.Errorf("found %q", found)
	}
}
