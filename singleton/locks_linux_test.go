package singleton_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

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
