package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A real disk becomes full at each block in turn, while a journal is made and during begin,
// checkpoint and end. When there is space again, everything that was reported as written
// exists.
func TestADiskThatIsFullAtEachBlockLosesNothing(t *testing.T) {
	page := os.Getpagesize()
	for pages := 1; ; pages++ {
		dir := t.TempDir()
		mount := func(flags uintptr, pages int) error {
			return unix.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%d", pages*page))
		}
		if err := mount(0, pages); err != nil {
			t.Skip("it takes a file system of its own: ", err)
		}
		// The effects are recorded on another disk.
		effects := filepath.Join(t.TempDir(), "effects")
		if err := os.WriteFile(effects, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(effects, filepath.Join(dir, "effects")); err != nil {
			t.Fatal(err)
		}
		cmd := process(t, "small", dir, 1)
		full := cmd.Run()
		if err := mount(unix.MS_REMOUNT, 4096); err != nil {
			t.Fatal(err)
		}
		passed := t.Run(fmt.Sprint(pages), func(t *testing.T) {
			check(t, dir, 2)
		})
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		switch {
		case !passed:
			t.Fatalf("full at page %d: %v, %v", pages, full, cmd.Stderr)
		case full == nil && pages < 20:
			t.Fatalf("%d pages were enough", pages)
		case full == nil:
			t.Logf("%d pages were enough", pages)
			return
		case pages > 1000:
			t.Fatal("it is never enough: ", cmd.Stderr)
		}
	}
}
