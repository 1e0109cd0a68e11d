package test_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// The kernel's list of locks names the device of a file as its file system knows it, and
// stat(2) as the mount does. On overlayfs (every container) and on btrfs these differ. A
// holder whose files were all removed is found nevertheless.
func TestRemovedFilesAreFoundOnAnyFileSystem(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	for name, mount := range map[string]func(t *testing.T, dir string){
		"tmpfs": func(t *testing.T, dir string) { newDisk(t, dir, "size=1m") },
		"overlayfs": func(t *testing.T, dir string) {
			layers := filepath.Join(t.TempDir(), "layers")
			newDisk(t, layers, "size=1m")
			for _, d := range []string{"lower", "upper", "work"} {
				must(t, os.Mkdir(filepath.Join(layers, d), 0o755))
			}
			options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", layers)
			mountOrSkip(t, "overlay", dir, "overlay", options)
		},
		"btrfs": func(t *testing.T, dir string) {
			mkfs, err := exec.LookPath("mkfs.btrfs")
			if err != nil {
				t.Skip("no mkfs.btrfs here (Debian: btrfs-progs)")
			}
			image := filepath.Join(t.TempDir(), "image")
			must(t, os.WriteFile(image, nil, 0o600))
			must(t, os.Truncate(image, 128<<20))
			if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if out, err := exec.Command("mount", "-t", "btrfs", "-o", "loop", image, dir).CombinedOutput(); err != nil {
				t.Skipf("no btrfs to be mounted here: %v: %s", err, out)
			}
			t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			dir := t.TempDir()
			mount(t, dir)
			p.run, p.state = filepath.Join(dir, "run"), filepath.Join(dir, "state")
			a := p.ready(t, plan{})
			wait.Pause(t, a.pid)
			must(t, errors.Join(os.RemoveAll(p.run), os.RemoveAll(p.state)))
			b := p.start(t, plan{})
			b.end(t).want(t, 75, "already running", "pid "+strconv.Itoa(a.pid))
			if b.out.text() != "" {
				t.Errorf("a second instance came as far as its program:\n%s", b.out.text())
			}
			a.signal(t, syscall.SIGCONT)
			a.stop(t)
			p.free(t)
		})
	}
}

func mountOrSkip(t *testing.T, source, dir, kind, options string) {
	t.Helper()
	if err := syscall.Mount(source, dir, kind, 0, options); err != nil {
		t.Skipf("no %s to be mounted here: %v", kind, err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}
