package ship_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// A full disk takes only a part of a batch. The test runs in a mount namespace of its own,
// where the output's directory is a small tmpfs.
func TestFullDisk(t *testing.T) {
	if os.Getenv(roleVariable) != "full" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), roleVariable+"=full")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.EPERM) {
			t.Skip("only root may mount a small file system: ", err)
		}
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	b := newBed(t)
	b.must(syscall.Mount("small", b.path("out"), "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { b.kill(); b.must(syscall.Unmount(b.path("out"), 0)) })
	filler := b.path("out/filler")
	b.must(os.WriteFile(filler, make([]byte, 40<<10), 0o600))

	var want strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&want, "%d\n", i)
	}
	text := want.String() // about 42 KiB
	b.add("x.log", "first\n").open().ship().add("x.log", text)
	wantError(t, b.fails(), syscall.ENOSPC, b.opts.Output)
	b.want("first") // readers see no partial line
	_ = b.fails()
	b.must(os.Remove(filler))
	b.ship()
	if got := b.read("out/all"); got != "first\n"+text {
		t.Errorf("%d bytes in the output, want %d", len(got), len(text))
	}
	if got := b.Stats(); got != (ship.Stats{Files: 1, Lines: 9001}) {
		t.Errorf("%+v", got)
	}
}
