//go:build unix

package logsink_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestFileModes(t *testing.T) {
	for name, c := range map[string]struct {
		umask     int
		file, dir fs.FileMode
	}{
		"no umask":     {0, 0o640, 0o750},
		"common umask": {0o022, 0o640, 0o750},
		"private":      {0o077, 0o600, 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			old := syscall.Umask(c.umask)
			defer syscall.Umask(old)
			path := filepath.Join(root, "var", "feedd", "feedd.log")
			b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
			for _, p := range rotate(t, b, path) {
				if got := mode(t, p); got != c.file {
					t.Errorf("%s has mode %04o, want %04o", filepath.Base(p), got, c.file)
				}
			}
			if got := mode(t, filepath.Dir(path)); got != c.dir {
				t.Errorf("directory has mode %04o, want %04o", got, c.dir)
			}
		})
	}
}

// Whoever could read the log can still read it after a rotation, whatever our umask.
func TestRotationKeepsModeAndOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o664)); err != nil {
		t.Fatal(err)
	}
	group := os.Getgid()
	if os.Getuid() == 0 {
		group = 4711
		if err := os.Chown(path, -1, group); err != nil {
			t.Fatal(err)
		}
	}
	b := newBed(t, logsink.Options{File: path, MaxSizeMB: 1})
	rotate(t, b, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := int(info.Sys().(*syscall.Stat_t).Gid); info.Mode().Perm() != 0o664 || got != group {
		t.Errorf("the new file has mode %v and group %d, want group %d", info.Mode(), got, group)
	}
}

func TestFileKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, logsink.Options{File: path})
	b.Logger().Info("new")
	b.flush(t)
	if got, want := read(t, path), "old\n"+stamp+"[INFO]  new\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := mode(t, path); got != 0o600 {
		t.Errorf("mode is now %04o", got)
	}
}

func TestFileRefusesTraps(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(path string) error
		says string
	}{
		"symlink":          {func(p string) error { return os.Symlink("/etc/hostname", p) }, "symbolic link"},
		"dangling symlink": {func(p string) error { return os.Symlink(p+".elsewhere", p) }, "symbolic link"},
		"directory":        {func(p string) error { return os.Mkdir(p, 0o700) }, "directory"},
		"fifo":             {func(p string) error { return unix.Mkfifo(p, 0o600) }, "FIFO"},
		"hard link": {func(p string) error {
			return errors.Join(os.WriteFile(p+".first", nil, 0o600), os.Link(p+".first", p), os.Chmod(filepath.Dir(p), 0o775))
		}, "hard links"},
		"directory open to all": {func(p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, "by everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "feedd.log")
			if err := c.set(path); err != nil {
				t.Fatal(err)
			}
			before := names(t, filepath.Dir(path))
			_, err := logsink.OpenWith("feedd", logsink.Options{File: path}, logsink.Outside{})
			var field *logsink.FieldError
			if !errors.As(err, &field) || field.Field != "file" || !errors.Is(err, files.ErrUntrusted) ||
				!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("got %v", err)
			}
			if after := names(t, filepath.Dir(path)); after != before {
				t.Errorf("files were %s, are %s", before, after)
			}
		})
	}
}

func TestFileThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := logsink.OpenWith("feedd", logsink.Options{File: filepath.Join(file, "feedd.log")}, logsink.Outside{})
	if !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
