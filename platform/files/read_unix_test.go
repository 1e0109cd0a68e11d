//go:build unix

package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A service's user plants something that root will read. Root must not block on it, follow it,
// or reveal its content.
func TestReadRefusesWhatIsPlanted(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "shadow")
	must(t, os.WriteFile(secret, []byte("root:$6$hash"), 0o600))
	for name, c := range map[string]struct {
		plant func(path string) error
		says  string
	}{
		"a FIFO":              {func(path string) error { return unix.Mkfifo(path, 0o644) }, "a FIFO"},
		"a FIFO with writers": {func(path string) error { return errors.Join(unix.Mkfifo(path, 0o644), writeTo(t, path)) }, "a FIFO"},
		"a link":              {func(path string) error { return os.Symlink(secret, path) }, "a symbolic link"},
		"a link to a FIFO": {func(path string) error {
			return errors.Join(unix.Mkfifo(path+".fifo", 0o644), os.Symlink(path+".fifo", path))
		}, "a symbolic link"},
		"a second name": {func(path string) error {
			return errors.Join(os.Link(secret, path), os.Chmod(filepath.Dir(path), 0o775)) //nolint:gosec // others may have made it
		}, "2 hard links"},
		"a directory": {func(path string) error { return os.Mkdir(path, 0o755) }, "a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.json")
			must(t, c.plant(path))
			content, _, err := files.Read(path, files.MaxRecord)
			if !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), c.says) || content != nil {
				t.Errorf("read %q, %v", content, err)
			}
			if f, err := files.OpenToRead(path); err == nil {
				_ = f.Close()
				if c.says != "2 hard links" {
					t.Error("opened")
				}
			}
		})
	}
}

func writeTo(t *testing.T, fifo string) error {
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err == nil {
		t.Cleanup(func() { _ = f.Close() })
	}
	return err
}

func TestErrorsDoNotQuoteTheFile(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON":        "root:$6$hash:19000",
		"another kind":   `{"started":"root:$6$hash:19000"}`,
		"a large number": `{"restarts":190001900019000190001900019000}`,
	} {
		t.Run(name, func(t *testing.T) {
			var v struct {
				Started  []int `json:"started"`
				Restarts int   `json:"restarts"`
			}
			err := files.DecodeJSON([]byte(content), &v)
			if !errors.Is(err, files.ErrMalformed) || strings.Contains(err.Error(), "$6") || strings.Contains(err.Error(), "1900") ||
				strings.Contains(err.Error(), "'r'") {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	must(t, os.WriteFile(path, nil, 0o644))
	must(t, os.Truncate(path, 1<<40)) // a sparse file
	if _, _, err := files.Read(path, 1000); !errors.Is(err, files.ErrMalformed) {
		t.Errorf("read whole: %v", err)
	}
	must(t, os.Truncate(path, 1000))
	if content, _, err := files.Read(path, 1000); err != nil || len(content) != 1000 {
		t.Errorf("read %d bytes, %v", len(content), err)
	}
}

// IDs of users that do not exist.
const user, otherUser = 64_997, 64_996

func TestReadTrustsOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	for name, c := range map[string]struct {
		dir, file int
		mode      os.FileMode
		trusted   bool
	}{
		"the user's own":                {user, user, 0o600, true},
		"root's, for everybody":         {user, 0, 0o644, true},
		"root's alone":                  {user, 0, 0o600, false}, // the user made a link, and root removed the original name
		"root's, for a group":           {user, 0, 0o640, false},
		"another user's":                {user, otherUser, 0o644, false},
		"root's alone, in root's place": {0, 0, 0o600, true},
		"a user's, in root's place":     {0, user, 0o644, false},
		"in a group's place":            {0, user, 0o644, true},
		"alone, in a group's place":     {0, user, 0o600, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.json")
			must(t, os.WriteFile(path, []byte("{}"), c.mode))
			if name == "in a group's place" || name == "alone, in a group's place" {
				must(t, os.Chmod(dir, 0o775))
			}
			must(t, errors.Join(os.Chmod(path, c.mode), os.Chown(path, c.file, c.file), os.Chown(dir, c.dir, c.dir)))
			_, _, err := files.Read(path, files.MaxRecord)
			if (err == nil) != c.trusted || (err != nil && !errors.Is(err, files.ErrUntrusted)) {
				t.Errorf("err=%v, want trusted=%t", err, c.trusted)
			}
		})
	}
}

// Unit files may be links, and masked ones are. Links of a service's user are not followed.
func TestReadFileFollowsTheAdministratorsLinksOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give directories away")
	}
	target := filepath.Join(t.TempDir(), "x.service")
	must(t, os.WriteFile(target, []byte("[Unit]\n"), 0o600))
	dir := t.TempDir()
	for name, c := range map[string]struct{ target, want string }{
		"a link": {target, "[Unit]\n"}, "masked": {os.DevNull, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			must(t, os.Symlink(c.target, path))
			if got, err := files.ReadFile(path); err != nil || string(got) != c.want {
				t.Errorf("in root's directory: %q, %v", got, err)
			}
			must(t, os.Chown(dir, user, user))
			defer func() { must(t, os.Chown(dir, 0, 0)) }()
			if got, err := files.ReadFile(path); !errors.Is(err, files.ErrUntrusted) {
				t.Errorf("in a user's: %q, %v", got, err)
			}
		})
	}
	must(t, os.Chown(dir, user, user))
	must(t, os.WriteFile(filepath.Join(dir, "endless"), nil, 0o644))
	must(t, os.Truncate(filepath.Join(dir, "endless"), 1<<40))
	if _, err := files.ReadFile(filepath.Join(dir, "endless")); !errors.Is(err, files.ErrMalformed) {
		t.Errorf("an endless file of a user's: %v", err)
	}
	must(t, os.Chown(dir, 0, 0))
	must(t, unix.Mkfifo(target+".fifo", 0o600))
	must(t, os.Symlink(target+".fifo", filepath.Join(dir, "fifo")))
	if got, err := files.ReadFile(filepath.Join(dir, "fifo")); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("a FIFO behind a link: %q, %v", got, err)
	}
}

// The owner of a file may have a lease on it. open(2), if it may block, then waits for its end
// for /proc/sys/fs/lease-break-time, 45 s. Other users cannot take a lease.
func TestLeasesDoNotBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	must(t, os.WriteFile(path, []byte("{}"), 0o644))
	if err := lease(t, path); err != nil {
		t.Skip("no lease to be had here: ", err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := files.Read(path, files.MaxRecord)
		done <- err
	}()
	if err := <-done; !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("read: %v", err)
	}
	must(t, files.Replace(path, []byte("{1}"), 0o644, true))
	if got, _, err := files.Read(path, files.MaxRecord); err != nil || string(got) != "{1}" {
		t.Errorf("the new file: %q, %v", got, err)
	}
}

// A FIFO on the way to the removed directory does not block.
func TestIssue9_RemoveTreeDoesNotWaitForAFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "x")
	must(t, unix.Mkfifo(fifo, 0o644))
	if err := files.RemoveTree(filepath.Join(fifo, "y")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}

// Files that the kernel generates report a size of 0, but have content.
func TestReadOfWhatSaysNoSize(t *testing.T) {
	const path = "/proc/self/status"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no such file here, but on Linux:", err)
	}
	content, _, err := files.Read(path, files.MaxRecord)
	if err != nil || !strings.HasPrefix(string(content), "Name:") {
		t.Errorf("%q, %v", content, err)
	}
	if _, _, err := files.Read(path, 5); !errors.Is(err, files.ErrMalformed) {
		t.Errorf("more than is allowed: %v", err)
	}
}
