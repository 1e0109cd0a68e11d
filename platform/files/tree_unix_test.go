//go:build linux || darwin

package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// tree makes a directory of another user with home/state/file, and one of ours with
// victim/state/file.
func tree(t *testing.T) (home, victim string) {
	t.Helper()
	dir := t.TempDir()
	home, victim = filepath.Join(dir, "home", "x"), filepath.Join(dir, "victim")
	for _, d := range []string{home, victim} {
		if err := errors.Join(os.MkdirAll(filepath.Join(d, "state", "sub"), 0o755), os.WriteFile(filepath.Join(d, "state", "sub", "file"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return home, victim
}

func there(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	return err == nil
}

func TestRemoveTree(t *testing.T) {
	home, victim := tree(t)
	link := filepath.Join(filepath.Dir(victim), "link") // ours
	if err := os.Symlink("home", link); err != nil {
		t.Fatal(err)
	}
	// A link out of the tree is removed itself.
	if err := os.Symlink(victim, filepath.Join(home, "state", "out")); err != nil {
		t.Fatal(err)
	}
	if err := files.RemoveTree(filepath.Join(link, "x", "state")); err != nil || there(t, filepath.Join(home, "state")) {
		t.Errorf("by way of our own link: %v", err)
	}
	for _, path := range []string{filepath.Join(home, "state"), filepath.Join(home, "no", "such")} {
		if err := files.RemoveTree(path); err != nil {
			t.Errorf("what is not there: %v", err)
		}
	}
	if err := errors.Join(os.Symlink(victim, home+"/link"), files.RemoveTree(home+"/link")); err != nil || there(t, home+"/link") {
		t.Errorf("a link: %v", err)
	}
	if err := files.RemoveTree(filepath.Join(victim, "state", "sub", "file")); err != nil || there(t, filepath.Join(victim, "state", "sub", "file")) {
		t.Errorf("a file: %v", err)
	}
	if !there(t, filepath.Join(victim, "state", "sub")) {
		t.Error("it was led elsewhere")
	}
}

// uninstall --purge examined a directory below another user's home. It then removed what the
// user had put in the place of one of its parents meanwhile.
func TestIssue9_RemovalIsNotLedElsewhere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give directories away")
	}
	home, victim := tree(t)
	const user = 65_534
	if err := os.Chown(filepath.Dir(home), user, user); err != nil {
		t.Fatal(err)
	}
	swap := func() error {
		return errors.Join(os.Rename(home, home+".old"), os.Symlink(victim, home), os.Lchown(home, user, user))
	}
	back := func() error { return errors.Join(os.Remove(home), os.Rename(home+".old", home)) }
	if err := swap(); err != nil {
		t.Fatal(err)
	}
	if err := files.RemoveTree(filepath.Join(home, "state")); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("his link: %v", err)
	}
	if !there(t, filepath.Join(victim, "state", "sub", "file")) {
		t.Fatal("it was led elsewhere")
	}

	// The same while the removal is in progress.
	if err := back(); err != nil {
		t.Fatal(err)
	}
	done, swapped := make(chan struct{}), make(chan error)
	go func() {
		defer close(swapped)
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := errors.Join(swap(), back()); err != nil {
				swapped <- err
				return
			}
		}
	}()
	refused := 0
	for range 3000 {
		if err := files.RemoveTree(filepath.Join(home, "state")); errors.Is(err, files.ErrUntrusted) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
		if !there(t, filepath.Join(victim, "state", "sub", "file")) {
			t.Fatal("it was led elsewhere")
		}
	}
	close(done)
	if err := <-swapped; err != nil {
		t.Fatal(err)
	}
	t.Logf("his link was met %d times", refused)
}
