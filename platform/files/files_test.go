//go:build unix

package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func TestReplaceKeepsModeAndLeavesNoDraft(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	for _, text := range []string{"one", "two"} {
		if err := files.Replace(path, []byte(text), 0o644, text == "two"); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	info, _ := os.Stat(path)
	if info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, want 0644 whatever the umask", info.Mode())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestReplaceDoesNotWriteThroughAPlantedLink(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{".x.new", "x"} {
		if err := os.Symlink(victim, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Replace(filepath.Join(dir, "x"), []byte("ours"), 0o600, false); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(victim); string(got) != "precious" {
		t.Errorf("the link's target now holds %q", got)
	}
}

func TestReplaceFailsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.Mkdir(path, 0o700); err != nil { // rename onto a directory fails last of all
		t.Fatal(err)
	}
	if err := files.Replace(path, []byte("x"), 0o600, false); err == nil {
		t.Fatal("replaced a directory")
	}
	if _, err := os.Lstat(filepath.Join(dir, ".x.new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft was left behind: %v", err)
	}
}

func TestOpenRefusesTraps(t *testing.T) {
	plant := map[string]func(path string) error{
		"symlink": func(p string) error { return os.Symlink("/etc/hostname", p) },
		"dangling symlink": func(p string) error {
			return os.Symlink(p+".elsewhere", p)
		},
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"fifo":      func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"hard link": func(p string) error {
			if err := os.WriteFile(p+".first", nil, 0o600); err != nil {
				return err
			}
			return os.Link(p+".first", p)
		},
	}
	for name, trap := range plant {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.pid")
			if err := trap(path); err != nil {
				t.Fatal(err)
			}
			f, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o644)
			if !errors.Is(err, files.ErrUntrusted) {
				t.Errorf("%v, %v: want ErrUntrusted", f, err)
			}
		})
	}
}

func TestOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if uid, known := files.Owner(info); !known || uid != os.Geteuid() {
		t.Errorf("owner %d, %v", uid, known)
	}
	if _, known := files.Owner(noFile{info}); known {
		t.Error("knows the owner of what is no file")
	}
}

type noFile struct{ fs.FileInfo }

func (noFile) Sys() any { return nil }

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
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := files.CheckDir(file); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("a file: %v", err)
	}
	if err := files.MakeDir(file, 0o755); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("make a directory where a file is: %v", err)
	}
	if err := files.CheckDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}
