package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Some systems let any user make a hard link to any file (FreeBSD, or Linux with
// fs.protected_hardlinks=0). A link to one of our files does not prevent a start, because
// nobody else can have made the name by which we know the file.
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
