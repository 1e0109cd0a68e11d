package watch_test

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/internal/watch"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// armed returns an armed watch of a directory that has a file.
func armed(t *testing.T) (w *watch.Watch, dir, file string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "watched")
	file = filepath.Join(dir, "file")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(file, []byte("content"), 0o600))
	w = watch.New(dir)
	t.Cleanup(w.Close)
	if err := w.Arm(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else {
		must(t, err)
	}
	return w, dir, file
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAChangeIsTold(t *testing.T) {
	for name, change := range map[string]func(dir, file string) error{
		"a file is removed": func(_, file string) error { return os.Remove(file) },
		"overwritten":       func(_, file string) error { return os.WriteFile(file, []byte("other"), 0o600) },
		"truncated":         func(_, file string) error { return os.Truncate(file, 0) },
		"made":              func(_, file string) error { return os.WriteFile(file+"2", nil, 0o600) },
		"renamed":           func(_, file string) error { return os.Rename(file, file+"2") },
		"moved away":        func(dir, file string) error { return os.Rename(file, dir+"2") },
		"replaced by another": func(dir, file string) error {
			return errors.Join(os.WriteFile(dir+"2", nil, 0o600), os.Rename(dir+"2", file))
		},
		"given other rights":    func(_, file string) error { return os.Chmod(file, 0o666) },
		"a link is made":        func(_, file string) error { return os.Symlink("/etc/passwd", file+"2") },
		"all is removed":        func(dir, _ string) error { return os.RemoveAll(dir) },
		"the directory renamed": func(dir, _ string) error { return os.Rename(dir, dir+"2") },
	} {
		t.Run(name, func(t *testing.T) {
			w, dir, file := armed(t)
			must(t, change(dir, file))
			wait.For(t, "it is told", w.Told())
		})
	}
}

// A watch reports once until it is armed again, so a burst of changes wakes nobody.
func TestAStormIsToldOnce(t *testing.T) {
	w, _, file := armed(t)
	signals := make(chan os.Signal, 10_000)
	signal.Notify(signals, unix.SIGIO)
	defer signal.Stop(signals)
	for range 1000 {
		must(t, os.WriteFile(file, []byte("again"), 0o600))
	}
	wait.For(t, "it is told", w.Told())
	other := watch.New(filepath.Dir(file)) // what it is told comes behind all of that
	t.Cleanup(other.Close)
	must(t, other.Arm())
	must(t, os.Remove(file))
	wait.For(t, "the other one is told", other.Told())
	if n := len(signals); n > 2 {
		t.Errorf("told %d times", n)
	}
	must(t, w.Arm())
	must(t, os.WriteFile(file, nil, 0o600))
	wait.For(t, "it is told again", w.Told())
}

// A directory that was removed is not watched any more. A new one with its name is.
func TestADirectoryThatIsMadeAnew(t *testing.T) {
	w, dir, file := armed(t)
	must(t, os.Rename(dir, dir+"2"))
	if err := w.Arm(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the directory: %v", err)
	}
	must(t, os.Mkdir(dir, 0o755))
	must(t, w.Arm())
	for len(w.Told()) > 0 {
		<-w.Told()
	}
	must(t, os.WriteFile(file, nil, 0o600))
	wait.For(t, "it is told", w.Told())
}

// If a link leads to another directory now, that directory is watched.
func TestALinkThatLeadsElsewhere(t *testing.T) {
	_, dir, _ := armed(t)
	link := dir + ".link"
	must(t, os.Mkdir(dir+"2", 0o755))
	must(t, os.Symlink(dir, link))
	w := watch.New(link)
	t.Cleanup(w.Close)
	must(t, w.Arm())
	must(t, errors.Join(os.Remove(link), os.Symlink(dir+"2", link)))
	wait.For(t, "that it is another is told", w.Told())
	must(t, w.Arm())
	must(t, os.WriteFile(filepath.Join(dir+"2", "file"), nil, 0o600))
	wait.For(t, "a change there is told", w.Told())
}

func TestWhatCannotBeWatched(t *testing.T) {
	_, dir, file := armed(t)
	for name, what := range map[string]string{"nothing": dir + "/none", "a file": file, "what other machines change": "/proc/self"} {
		w := watch.New(dir, what)
		t.Cleanup(w.Close)
		if err := w.Arm(); err == nil {
			t.Errorf("%s: no error", name)
		}
		must(t, os.Chmod(file, 0o600))
		wait.For(t, "what can be is", w.Told())
	}
}
