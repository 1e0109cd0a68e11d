//go:build linux || darwin

package singleton_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

// If the mutex has its signature, a start skips the slow search for holders of removed files.
// So the signature must exist after a holder, however it ended, and must not survive a copy.
func TestMutexesAreSigned(t *testing.T) {
	o := options(t)
	signed := func(when string, want bool) {
		t.Helper()
		if got := singleton.Signed(o.MutexFile()); got != want {
			t.Errorf("%s: signed=%t, want %t: %q", when, got, want, read(t, o.MutexFile()))
		}
	}
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	signed("while held", true)
	a.kill(t)
	signed("after a kill", true)
	must(t, acquire(t, o).Release())
	signed("after a release", true)
	released := read(t, o.MutexFile())
	must(t, os.Rename(o.MutexFile(), o.MutexFile()+".old"))
	must(t, os.WriteFile(o.MutexFile(), []byte(released), 0o600))
	signed("a copy", false)
	must(t, acquire(t, o).Release())
	signed("after the copy was taken over", true)
	must(t, os.Chmod(o.MutexFile(), 0o644))
	signed("opened to others", false)
	must(t, acquire(t, o).Release())
	signed("after that was taken over", true)
	must(t, os.WriteFile(o.MutexFile(), nil, 0o600))
	signed("emptied", false)
}

func TestBrokenPlaces(t *testing.T) {
	cases := map[string]func(t *testing.T, o *singleton.Options){
		"PID file is a symlink":    func(t *testing.T, o *singleton.Options) { must(t, os.Symlink("/etc/passwd", o.PIDFile())) },
		"PID file is a directory":  func(t *testing.T, o *singleton.Options) { must(t, os.Mkdir(o.PIDFile(), 0o700)) },
		"PID file is a FIFO":       func(t *testing.T, o *singleton.Options) { must(t, syscall.Mkfifo(o.PIDFile(), 0o600)) },
		"lock file is a symlink":   func(t *testing.T, o *singleton.Options) { must(t, os.Symlink("/etc/passwd", o.LockFile())) },
		"lock file is a directory": func(t *testing.T, o *singleton.Options) { must(t, os.Mkdir(o.LockFile(), 0o700)) },
		"mutex is a directory":     func(t *testing.T, o *singleton.Options) { must(t, os.Mkdir(o.MutexFile(), 0o700)) },
		"lock file is a FIFO":      func(t *testing.T, o *singleton.Options) { must(t, syscall.Mkfifo(o.LockFile(), 0o600)) },
		"mutex is a symlink":       func(t *testing.T, o *singleton.Options) { must(t, os.Symlink("/etc/passwd", o.MutexFile())) },
		"mutex is a FIFO":          func(t *testing.T, o *singleton.Options) { must(t, syscall.Mkfifo(o.MutexFile(), 0o600)) },
		"directory for everybody":  func(t *testing.T, o *singleton.Options) { must(t, os.Chmod(o.Dir, 0o777)) },
		"sticky, for everybody":    func(t *testing.T, o *singleton.Options) { must(t, os.Chmod(o.Dir, 0o777|fs.ModeSticky)) },
		"no name":                  func(_ *testing.T, o *singleton.Options) { o.Name = "" },
		"a path for a name":        func(_ *testing.T, o *singleton.Options) { o.Name = "../feedd" },
		"no directory":             func(_ *testing.T, o *singleton.Options) { o.StateDir = "" },
		"directory is a file": func(t *testing.T, o *singleton.Options) {
			o.Dir = filepath.Join(o.Dir, "file")
			must(t, os.WriteFile(o.Dir, nil, 0o600))
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			spoil(t, &o)
			l, err := singleton.Acquire(o)
			if !errors.Is(err, singleton.ErrBroken) || errors.Is(err, singleton.ErrHeld) || errors.Is(err, singleton.ErrDenied) {
				t.Fatalf("%v, %v: want ErrBroken alone", l, err)
			}
			if strings.HasSuffix(name, "is a directory") && !strings.Contains(err.Error(), "is a directory, not a regular file: not safe to use: remove it") {
				t.Errorf("it does not say what is wrong: %v", err)
			}
			t.Log(err)
		})
	}
}
