package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Where the system lets any user give a second name to any file that he can reach (FreeBSD,
// or Linux with fs.protected_hardlinks=0), one of ours keeps nobody from starting: the
// name by which we know the file nobody else can have made.
func TestIssue9_SecondNamesMadeByStrangersKeepNobodyFromStarting(t *testing.T) {
	p := newPlace(t)
	elsewhere := t.TempDir()
	for range 2 { // of files of one that was killed, and of one that runs
		a := p.ready(t, plan{})
		for _, path := range p.files() {
			second := filepath.Join(elsewhere, filepath.Base(path))
			if err := os.Remove(second); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			must(t, os.Link(path, second))
		}
		p.start(t, plan{}).end(t).want(t, 75, "already running")
		p.do(t, "status").want(t, 0, " is ready")
		p.do(t, "reload").want(t, 0)
		a.kill(t)
		p.do(t, "status").want(t, 1, "dead")
	}
	a := p.ready(t, plan{})
	p.holds(t, a)
	a.stop(t)
	p.free(t)
}
