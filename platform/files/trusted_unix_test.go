//go:build linux || darwin

package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Root acts on such a record, so whoever could write it could control root.
func TestIssue9_ARecordThatRootActsByIsRoots(t *testing.T) {
	root := os.Geteuid() == 0
	for name, tt := range map[string]struct {
		spoil func(dir, path string) error
		says  string // empty: the record is accepted
		root  bool   // needs root
	}{
		"as it is written":      {func(string, string) error { return nil }, "", false},
		"group may write it":    {func(_, path string) error { return os.Chmod(path, 0o664) }, "go-w", false},
		"all may write it":      {func(_, path string) error { return os.Chmod(path, 0o646) }, "go-w", false},
		"group may replace it":  {func(dir, _ string) error { return os.Chmod(dir, 0o775) }, "go-w", false},
		"all may replace it":    {func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "o-w", false},
		"another user's":        {func(_, path string) error { return os.Chown(path, 65_534, 65_534) }, "another user's", true},
		"in another user's":     {func(dir, _ string) error { return os.Chown(dir, 65_534, 65_534) }, "belongs to user 65534", true},
		"both are another's":    {func(dir, path string) error { return errors.Join(os.Chown(path, 65_534, 0), os.Chown(dir, 65_534, 0)) }, "belongs to user 65534", true},
		"a link":                {func(dir, path string) error { return errors.Join(os.Rename(path, dir+"/x"), os.Symlink("x", path)) }, "symbolic link", false},
		"it has a second name":  {func(dir, path string) error { return os.Link(path, dir+"/x") }, "", false},
		"a FIFO":                {func(_, path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) }, "a FIFO", false},
		"a directory":           {func(_, path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }, "a directory", false},
		"its directory, a link": {func(dir, _ string) error { return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir)) }, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.root && !root {
				t.Skip("only root can give files away")
			}
			dir := filepath.Join(t.TempDir(), "holdfast")
			path := filepath.Join(dir, "feedd.json")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(path, []byte("x"), 0o644), tt.spoil(dir, path)); err != nil { //nolint:gosec // as it is written
				t.Fatal(err)
			}
			content, err := files.ReadTrusted(path, 100)
			if tt.says == "" {
				if err != nil || string(content) != "x" {
					t.Errorf("%q, %v", content, err)
				}
				return
			}
			says := tt.says
			if says == "another user's" {
				says = path + " belongs to user 65534"
			}
			if !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, says)
			}
		})
	}
}

// Each file is checked by itself, and the directory once for all.
func TestAllTrusted(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(name), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("a", 0o644)
	write("b", 0o646)
	write("c", 0o644)
	for mode, want := range map[os.FileMode]string{0o755: "a c", 0o775: "", 0o777: ""} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		read := files.AllTrusted(dir)
		var got []string
		for _, name := range []string{"a", "b", "c"} {
			content, err := read(name, 100)
			if err == nil {
				got = append(got, string(content))
			} else if !errors.Is(err, files.ErrUntrusted) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := read("d", 100); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what is not there: %v", err)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("in a directory of mode %o it reads %q, want %q", mode, got, want)
		}
	}
}

// A FIFO in place of the directory must not block.
func TestIssue9_SyncDirWaitsForNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := files.SyncDir(path); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v", err)
	}
	link := filepath.Join(t.TempDir(), "init.d")
	if err := errors.Join(os.Symlink(t.TempDir(), link), files.SyncDir(link)); err != nil {
		t.Error(err)
	}
}

// The error names a directory in place of the file, and says what to do. The system says only
// "file exists".
func TestIssue9_ADirectoryInAFilesPlace(t *testing.T) {
	for _, name := range []string{"feedd.state.json", ".feedd.state.json.new"} {
		path := filepath.Join(t.TempDir(), "feedd.state.json")
		there := filepath.Join(filepath.Dir(path), name)
		if err := os.MkdirAll(filepath.Join(there, "full"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, _, read := files.Read(there, 100)
		for what, err := range map[string]error{"replace": files.Replace(path, []byte("x"), 0o644, false), "read": read} {
			if !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), there+" is a directory, not a regular file") || !strings.HasSuffix(err.Error(), "remove it") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
