//go:build unix

package alarm_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// The service may have inherited an open descriptor, and the program may have one for its own
// children. A command gets none of them.
func TestTheCommandInheritsNoDescriptor(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const fd = 77
	if err := unix.Dup2(int(f.Fd()), fd); err != nil { // without close-on-exec
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	path := filepath.Join(t.TempDir(), "heard")
	if err := alarm.RunCommand(t.Context(), toldBy("hear", path), test(t), quiet()); err != nil {
		t.Fatal(err)
	}
	if h := hear(t, path); len(h.Extra) > 0 {
		t.Errorf("it has %q", h.Extra)
	}
}

// A command that others could change does not run as root.
func TestRootRunsNothingOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "tell")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // must be executable
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	err := alarm.RunCommand(t.Context(), alarm.Config{Command: []string{path}}, test(t), quiet())
	if !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("%v", err)
	}
}
