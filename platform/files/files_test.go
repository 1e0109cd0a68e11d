package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// symlink skips the test if this user may not make links.
func symlink(t *testing.T, target, path string) {
	t.Helper()
	err := os.Symlink(target, path)
	if err == nil {
		_, err = os.Lstat(path) // Wine reports success even if it has made none
	}
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("no symbolic links for us here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestReplaceLeavesNoDraft(t *testing.T) {
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
		symlink(t, victim, filepath.Join(dir, link))
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
	if err := os.Mkdir(path, 0o700); err != nil { // rename to a directory fails at the end
		t.Fatal(err)
	}
	if err := files.Replace(path, []byte("x"), 0o600, false); err == nil {
		t.Fatal("replaced a directory")
	}
	if _, err := os.Lstat(filepath.Join(dir, ".x.new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file was left behind: %v", err)
	}
}

func TestOpenRefusesTraps(t *testing.T) {
	plant := map[string]func(path string) error{
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"hard link": func(p string) error {
			if err := os.WriteFile(p+".first", nil, 0o600); err != nil {
				return err
			}
			return errors.Join(os.Link(p+".first", p), os.Chmod(filepath.Dir(p), 0o775)) //nolint:gosec // others may have made it
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

func TestOpenRefusesLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	for _, target := range []string{path + ".elsewhere", path + ".victim"} {
		_ = os.Remove(path)
		symlink(t, target, path)
		f, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o644)
		if !errors.Is(err, files.ErrUntrusted) {
			t.Errorf("%v, %v: want ErrUntrusted", f, err)
		}
		if err := os.WriteFile(path+".victim", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenMakesAndKeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with a space", "x.log")
	if _, err := files.Open(path, os.O_WRONLY|os.O_CREATE, 0o644); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without a directory: %v", err)
	}
	if err := files.MakeDir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		f, err := files.Open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := files.Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made what was there: %v", err)
	}
	if got, err := files.ReadFile(path); err != nil || string(got) != "onetwo" {
		t.Errorf("%q, %v", got, err)
	}
}

// A reader must not prevent replacement and removal.
func TestReadersAreNotInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := files.Replace(path, []byte("one"), 0o644, false); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 2)
	for range cap(done) {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				time.Sleep(time.Millisecond) // without a pause, one of the readers has it open at any time
				got, err := files.ReadFile(path)
				// If a replacement takes two steps, the file can be missing between them.
				if err == nil && string(got) != "one" && string(got) != "another one" {
					err = errors.New("half of it: " + string(got))
				} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
					err = nil
				}
				if err != nil {
					done <- err
					return
				}
			}
		}()
	}
	rounds := 200
	if runtime.GOOS == "windows" { // each replacement has to wait for the readers
		rounds = 50
	}
	for i := range rounds {
		if err := files.Replace(path, []byte([]string{"one", "another one"}[i%2]), 0o644, false); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := files.Remove(path); err != nil {
		t.Error(err)
	}
}

func TestCheckDirWantsADirectory(t *testing.T) {
	dir := t.TempDir()
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
