package files_test

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Who put a FIFO in the place of a directory between the look at it and its opening
// had root's RemoveTree wait for a writer.
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
	case <-time.After(time.Minute):
		t.Error("it waits for whoever writes to the FIFO")
	}
	close(done)
	if err := <-swapped; err != nil {
		t.Fatal(err)
	}
}
