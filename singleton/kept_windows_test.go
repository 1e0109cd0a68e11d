package singleton_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Issue 9, D: everybody may read who the holder is, and so can have the files open without
// sharing them. That does not keep a service from starting. It is reported, and repaired when
// the files are closed.
func TestIssue9_D_FilesThatAreKeptOpenKeepNobodyFromStarting(t *testing.T) {
	o := options(t)
	must(t, acquire(t, o).Release())
	must(t, os.WriteFile(o.PIDFile(), []byte("1\n"), 0o644)) // left by a killed instance
	kept := []string{o.LockFile(), o.PIDFile()}
	var leave []func()
	for _, path := range kept {
		leave = append(leave, openAlone(t, path))
	}
	l, err := singleton.Acquire(o)
	must(t, err)
	start(t, "hold", o, nil).expect(t, "refused: already running")
	for _, found := range [][]error{l.Check(), l.Check()} {
		told := ""
		for _, err := range found {
			told += err.Error() + "\n"
		}
		for _, path := range kept {
			if !strings.Contains(told, path) || !strings.Contains(told, files.ErrInUse.Error()) {
				t.Errorf("%s is not told of:\n%s", path, told)
			}
		}
	}
	for _, leave := range leave {
		leave()
	}
	if found := l.Check(); len(found) != len(kept) {
		t.Errorf("restored: %v", found)
	}
	if found := l.Check(); found != nil {
		t.Error(found)
	}
	if pid, err := os.ReadFile(o.PIDFile()); err != nil || string(pid) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("the PID file has %q, %v", pid, err)
	}
	if h, err := singleton.Probe(o); err != nil || h.PID != os.Getpid() {
		t.Errorf("%+v, %v", h, err)
	}
	must(t, l.Release())
	mustBeFree(t, o)
}
