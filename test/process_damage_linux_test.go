package test_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Whatever somebody does to a file of a running service, the service repairs it and raises an
// alarm, also the next time. It looks when the kernel reports a change, and not every second.
func TestDamageIsPutRightAgainAndAgain(t *testing.T) {
	replace := func(path string) error {
		return errors.Join(os.WriteFile(path+".other", []byte("4711\n"), 0o600), os.Rename(path+".other", path))
	}
	link := func(path string) error {
		return errors.Join(os.Symlink("/etc/hostname", path+".other"), os.Rename(path+".other", path))
	}
	for name, damage := range map[string]func(p *place) error{
		"the PID file is removed":            func(p *place) error { return os.Remove(p.pidFile()) },
		"overwritten":                        func(p *place) error { return os.WriteFile(p.pidFile(), []byte("1\n"), 0o600) },
		"truncated":                          func(p *place) error { return os.Truncate(p.pidFile(), 0) },
		"replaced":                           func(p *place) error { return replace(p.pidFile()) },
		"a link":                             func(p *place) error { return link(p.pidFile()) },
		"removed with its directory":         func(p *place) error { return errors.Join(aside(p.run), os.RemoveAll(p.run+".old")) },
		"in a directory that is another now": func(p *place) error { return errors.Join(aside(p.run), unlessThere(os.Mkdir(p.run, 0o755))) },
		"in a directory that is renamed":     func(p *place) error { return aside(p.run) },
		"the mutex is open to all":           func(p *place) error { return os.Chmod(p.mutexFile(), 0o666) },
		"the mutex is removed":               func(p *place) error { return os.Remove(p.mutexFile()) },
		"the record is replaced":             func(p *place) error { return replace(p.lockFile()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			a := p.ready(t, plan{})
			wait.Until(t, "the directories are watched", func() bool { return a.hasOpen(p.run) && a.hasOpen(p.state) })
			for range 2 {
				must(t, damage(p))
				a.out.await(t, "tamper ")
			}
			p.holds(t, a)
			a.stop(t)
			p.free(t)
		})
	}
}

// aside renames a directory.
func aside(dir string) error {
	return errors.Join(os.RemoveAll(dir+".old"), os.Rename(dir, dir+".old"))
}

// unlessThere returns err, or nil if the service has made the directory sooner.
func unlessThere(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// hasOpen reports whether the process has a file or directory open.
func (pr *process) hasOpen(path string) bool {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pr.pid))
	for _, link := range all {
		if to, err := os.Readlink(link); err == nil && to == path {
			return true
		}
	}
	return false
}
