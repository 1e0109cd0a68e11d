package singleton_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

// If somebody had removed the directories of a service, `status` and `stop` used to say that
// it was not running, while a start found it.
func TestIssue9_AHolderWhoseFilesAreGoneIsFound(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	must(t, os.MkdirAll(filepath.Join(dir, "var", "lib"), 0o755)) //nolint:gosec // as /var/lib is
	must(t, os.Symlink("var", link))
	o := singleton.Options{Name: "feedd", Dir: filepath.Join(dir, "run", "feedd"), StateDir: filepath.Join(link, "lib", "feedd")}
	l, err := singleton.Acquire(o)
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(dir, "run")))
	must(t, os.RemoveAll(filepath.Join(dir, "var", "lib")))
	other := o
	other.Name = "other"
	if _, err := singleton.Probe(other); !errors.Is(err, singleton.ErrFree) {
		t.Errorf("another name: %v", err)
	}
	h, err := singleton.Probe(o)
	if err != nil || h.PID != os.Getpid() {
		t.Errorf("it runs: %v, %v", h, err)
	}
	// Files in their place prevent their repair.
	must(t, os.WriteFile(filepath.Join(dir, "var", "lib"), nil, 0o600))
	if h, err := singleton.Probe(o); err != nil || h.PID != os.Getpid() {
		t.Errorf("it runs, behind a file: %v, %v", h, err)
	}
	must(t, os.Remove(filepath.Join(dir, "var", "lib")))
	_ = l.Release() // the files to remove are gone
	if h, err := singleton.Probe(o); !errors.Is(err, singleton.ErrFree) {
		t.Errorf("it has ended: %v, %v", h, err)
	}
}
