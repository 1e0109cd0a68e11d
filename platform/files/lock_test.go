package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A lock belongs to one open file, exclusively or shared, until it is released or the file is
// closed.
func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	locked := func(want bool) {
		t.Helper()
		if got, err := files.Locked(path); got != want || err != nil {
			t.Errorf("locked: %v, %v", got, err)
		}
	}
	locked(false) // the file does not exist
	var f [2]*os.File
	for i := range f {
		var err error
		if f[i], err = files.Open(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f[i].Close() })
	}
	try := func(i int, shared bool, want error) {
		t.Helper()
		if err := files.TryLock(f[i], shared); !errors.Is(err, want) {
			t.Errorf("%d, shared %v: %v, want %v", i, shared, err, want)
		}
	}
	locked(false)
	try(0, false, nil)
	locked(true)
	try(1, false, files.ErrLocked)
	try(1, true, files.ErrLocked)
	if _, err := f[1].WriteString("it is written all the same"); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(path); err != nil || len(content) == 0 {
		t.Errorf("read: %q, %v", content, err)
	}
	if err := files.Unlock(f[0]); err != nil {
		t.Fatal(err)
	}
	locked(false)
	try(0, true, nil)
	locked(false) // a shared lock is possible
	try(1, true, nil)
	if err := errors.Join(f[0].Close(), files.Unlock(f[1])); err != nil {
		t.Fatal(err)
	}
	try(1, false, nil)
	locked(true)
	if err := f[1].Close(); err != nil {
		t.Fatal(err)
	}
	locked(false)
	if _, err := files.Locked(filepath.Dir(path)); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("a directory: %v", err)
	}
}
