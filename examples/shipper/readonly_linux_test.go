package main_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// The directory of the output is read-only, as with systemd's ProtectSystem=strict: in a mount
// namespace of its own.
func TestReadOnlyFileSystem(t *testing.T) {
	if os.Getenv(roleVariable) != "readonly" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestReadOnlyFileSystem$", "-test.v")
		cmd.Env = append(os.Environ(), roleVariable+"=readonly")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.EPERM) {
			t.Skip("only root may mount a file system: ", err)
		}
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	b := newBed(t)
	b.must(syscall.Mount("readonly", b.path("out"), "tmpfs", syscall.MS_RDONLY, ""))
	t.Cleanup(func() { b.must(syscall.Unmount(b.path("out"), 0)) })
	err := b.runOnce()
	if service.ExitCode(err) != platform.ExitBadConfig || !strings.Contains(err.Error(), "[service.hardening]") ||
		!strings.Contains(err.Error(), `add "`+b.path("out")+`" to read_write_paths`) {
		t.Error(err)
	}
}
