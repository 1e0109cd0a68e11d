//go:build unix

package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func TestReplaceKeepsMode(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "state.json")
	if err := files.Replace(path, []byte("one"), 0o644, false); err != nil {
		t.Fatal(err)
	}
	info, _ := os.Stat(path)
	if info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, want 0644 whatever the umask", info.Mode())
	}
}

func TestOpenRefusesAFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o644); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("%v, %v: want ErrUntrusted", f, err)
	}
}

func TestCheckDir(t *testing.T) {
	dir := t.TempDir()
	cases := map[fs.FileMode]bool{0o700: true, 0o755: true, 0o775: true, 0o777: false, 0o777 | fs.ModeSticky: false}
	for mode, good := range cases {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		err := files.MakeDir(dir, 0o755)
		if good != (err == nil) || (!good && !errors.Is(err, files.ErrUntrusted)) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
