package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A user who replaced a directory by a FIFO between its examination and its opening could make
// root's RemoveTree wait for a writer.
func TestIssue9_RemovalDoesNotWaitForAFIFOThatComesInBetween(t *testing.T) {
	home, _ := tree(t)
	fifo := filepath.Join(filepath.Dir(home), "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	done, swapped := make(chan struct{}), make(chan error)
	go func() {
		defer close(swapped)
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, home, unix.AT_FDCWD, fifo, unix.RENAME_EXCHANGE); err != nil {
				swapped <- err
				return
			}
		}
	}()
	removed := make(chan struct{})
	go func() {
		for range 5000 {
			_ = files.RemoveTree(filepath.Join(home, "state"))
		}
		close(removed)
	}()
	select {
	case <-removed:
	case <-time.After(10 * time.Minute): // for thousands of removals, on any machine
		t.Error("it waits for whoever writes to the FIFO")
	}
	close(done)
	if err := <-swapped; err != nil {
		t.Fatal(err)
	}
}

// RemoveTree descended into a bind mount below the directory, and emptied it.
func TestIssue11_RemovalDoesNotEmptyWhatIsMounted(t *testing.T) {
	home, victim := tree(t)
	for name, at := range map[string]string{"below": filepath.Join(home, "state", "sub", "data  of his"), "itself": filepath.Join(home, "state")} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			for what, mount := range map[string]func() error{
				"bind":  func() error { return unix.Mount(victim, at, "", unix.MS_BIND, "") },
				"tmpfs": func() error { return unix.Mount("none", at, "tmpfs", 0, "") },
			} {
				if err := mount(); err != nil {
					t.Skip("nothing can be mounted here: ", err)
				}
				mine := filepath.Join(at, "mine")
				err := os.WriteFile(mine, nil, 0o600)
				got := files.Mounted(filepath.Join(home, "state"))
				removed := files.RemoveTree(filepath.Join(home, "state"))
				kept := there(t, mine) && there(t, filepath.Join(victim, "state", "sub", "file"))
				if err := errors.Join(err, unix.Unmount(at, 0)); err != nil {
					t.Fatal(err)
				}
				if !errors.Is(removed, files.ErrUntrusted) || !kept || got != at {
					t.Errorf("%s: %v, kept: %v, mounted at %q", what, removed, kept, got)
				}
			}
		})
	}
	if got := files.Mounted(filepath.Join(home, "state")); got != "" {
		t.Error(got)
	}
	if err := files.RemoveTree(filepath.Join(home, "state")); err != nil || there(t, filepath.Join(home, "state")) {
		t.Error(err)
	}
}
