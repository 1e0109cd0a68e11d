package test_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a small file system of its own, mounted in a namespace that ends with
// the test.
type disk struct{ dir string }

func newDisk(t *testing.T, dir, options string) disk {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,"+options))
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return disk{dir}
}

// fill leaves space for n small files.
func (d disk) fill(t *testing.T, room int) {
	t.Helper()
	d.free(t)
	f, err := os.Create(d.ballast())
	must(t, err)
	defer func() { _ = f.Close() }()
	page := make([]byte, os.Getpagesize())
	pages := 0
	for ; err == nil; pages++ {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Truncate(int64((pages-1-room)*len(page))))
}

func (d disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// The disk is full when a start writes its files.
func TestBadInput_DiskFullAtStart(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	runDir, stateDir := func(p *place) string { return p.run }, func(p *place) string { return p.state }
	for name, c := range map[string]struct {
		dir  func(*place) string
		room int
		says string
	}{
		"PID file":        {runDir, 0, "feedd.pid"},
		"state file":      {runDir, 1, "state file"},
		"mutex":           {stateDir, 0, "feedd.mutex"},
		"lock file":       {stateDir, 1, "feedd.lock"},
		"term":            {stateDir, 2, "term"},
		"last-run record": {stateDir, 3, "last-run record"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			d := newDisk(t, c.dir(p), "size=256k")
			d.fill(t, c.room)
			a := p.start(t, plan{})
			a.end(t).want(t, 1, c.says, "no space left on device")
			if a.out.text() != "" {
				t.Errorf("it came as far as its program:\n%s", a.out.text())
			}
			p.do(t, "status").want(t, 3)
			d.free(t)
			p.clean(t)
			p.free(t)
		})
	}
	t.Run("no inode", func(t *testing.T) {
		p := newPlace(t)
		newDisk(t, p.run, "nr_inodes=1") // that of the directory
		p.start(t, plan{}).end(t).want(t, 1, "feedd.pid", "no space left on device")
		p.clean(t)
	})
	t.Run("read-only", func(t *testing.T) {
		p := newPlace(t)
		newDisk(t, p.run, "ro")
		p.start(t, plan{}).end(t).want(t, 1, "feedd.pid", "read-only file system")
		p.clean(t)
	})
}

// The disk fills up while the service runs. The service goes on, says what is not up to
// date, and stops in order. What it could not write is not reported as a success.
func TestBadInput_DiskFullWhileRunning(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	t.Run("runtime directory", func(t *testing.T) {
		p := newPlace(t)
		d := newDisk(t, p.run, "size=256k")
		a := p.ready(t, plan{})
		d.fill(t, 0)
		p.do(t, "reload", "--timeout", "200ms").want(t, 1, `reload "feedd"`, "no outcome")
		a.out.await(t, "reloaded 1")
		a.log.await(t, "state is out of date")
		if got, want := content(t, p.pidFile()), fmt.Sprintln(a.pid); got != want {
			t.Errorf("the PID file holds %q, want %q", got, want)
		}
		p.start(t, plan{}).end(t).want(t, 75)
		d.free(t)
		p.do(t, "reload").want(t, 0)
		if s := p.status(t, 0); s.Reloads.Completed != 2 {
			t.Errorf("status: %+v", s)
		}
		d.fill(t, 0)
		a.stop(t)
		d.free(t)
		p.clean(t)
	})
	t.Run("and the PID file is removed", func(t *testing.T) {
		p := newPlace(t)
		d := newDisk(t, p.run, "size=256k")
		a := p.ready(t, plan{})
		must(t, os.Remove(p.pidFile()))
		d.fill(t, 0)
		if alarm := a.out.await(t, "tamper "); !strings.Contains(alarm, "cannot be restored") {
			t.Errorf("the alarm is %q", alarm)
		}
		p.start(t, plan{}).end(t).want(t, 75, fmt.Sprintf("pid %d", a.pid))
		d.free(t)
		a.out.await(t, "restored") // by itself, as soon as there is room
		p.holds(t, a)
		if n := a.out.count("tamper "); n > 20 {
			t.Errorf("%d alarms", n)
		}
		a.stop(t)
		p.clean(t)
	})
	t.Run("state directory", func(t *testing.T) {
		p := newPlace(t)
		d := newDisk(t, p.state, "size=256k")
		a := p.ready(t, plan{})
		d.fill(t, 0)
		p.do(t, "reload").want(t, 0)
		a.signal(t, syscall.SIGTERM)
		a.end(t).want(t, 1, "last-run record", "no space left on device")
		if got := words(a.out.text()); got != "start started reload reloaded stop" {
			t.Errorf("its life: %s", got)
		}
		d.free(t)
		p.clean(t)
		if last := p.last(t); last.Clean() {
			t.Errorf("the next start is told of a clean end: %+v", last)
		}
		p.free(t)
	})
}
