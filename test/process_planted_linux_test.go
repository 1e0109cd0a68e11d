package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The directories of a service belong to its user, and root looks into them, too. Whatever the
// user plants there must not make root hang, nor show what only root may read.

const secret = "root:$6$secret:19753186420:0:97531864209"

// planted has things that the user puts in place of a file of ours.
func planted(t *testing.T) map[string]func(t *testing.T, p *place, path string) error {
	treasure := filepath.Join(t.TempDir(), "shadow")
	must(t, os.WriteFile(treasure, []byte(secret), 0o600))
	return map[string]func(t *testing.T, p *place, path string) error{
		"a FIFO": func(_ *testing.T, _ *place, path string) error { return syscall.Mkfifo(path, 0o666) },
		"a FIFO with a writer": func(t *testing.T, _ *place, path string) error {
			err := syscall.Mkfifo(path, 0o666)
			f, e := os.OpenFile(path, os.O_RDWR, 0)
			if e == nil {
				t.Cleanup(func() { _ = f.Close() })
			}
			return errors.Join(err, e)
		},
		"a link to a secret":    func(_ *testing.T, _ *place, path string) error { return os.Symlink(treasure, path) },
		"a link to a terminal":  func(_ *testing.T, _ *place, path string) error { return os.Symlink("/dev/ptmx", path) },
		"a secret's other name": func(_ *testing.T, _ *place, path string) error { return os.Link(treasure, path) },
		// Its first name is gone since, as that of /etc/shadow is after each new password.
		"a secret's last name": func(_ *testing.T, _ *place, path string) error {
			return errors.Join(os.WriteFile(path, []byte(secret), 0o600), os.Chown(path, 0, 0), os.Chmod(path, 0o600))
		},
		"endless": func(_ *testing.T, _ *place, path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o644), os.Chown(path, plainUser, plainUser), os.Truncate(path, 1<<40))
		},
		"a directory": func(_ *testing.T, _ *place, path string) error { return os.Mkdir(path, 0o755) },
		"a lease": func(t *testing.T, p *place, path string) error {
			if err := errors.Join(os.WriteFile(path, []byte("{}"), 0o644), os.Chown(path, plainUser, plainUser)); err != nil {
				return err
			}
			p.squats(t, "lease", path)
			return nil
		},
	}
}

func TestPlantedFilesDoNotHangRootNorShowSecrets(t *testing.T) {
	for what, plant := range planted(t) {
		for _, which := range []func(*place) string{(*place).lastRun, (*place).stateFile, (*place).pidFile, (*place).lockFile, (*place).mutexFile} {
			t.Run(what+"/"+filepath.Base(which(&place{})), func(t *testing.T) {
				t.Parallel()
				p := publicPlace(t, plainUser)
				path := which(p)
				p.ready(t, plan{}).stop(t)
				must(t, os.RemoveAll(path))
				must(t, plant(t, p, path))
				root := p.as(0)
				for _, command := range [][]string{{"status"}, {"status", "--json"}, {"reload"}, {"stop"}} {
					discreet(t, root.do(t, command...))
				}
				// A start by root and one by the user: the service serves, or says why not.
				for _, who := range []*place{root, p} {
					a := who.start(t, plan{})
					if _, err := a.log.find("ready: after="); err == nil {
						discreet(t, root.do(t, "status", "--json"))
						a.signal(t, syscall.SIGTERM)
					} else if a.end(t); a.log.text() == "" {
						t.Error("it says nothing")
					}
					discreet(t, a.end(t))
				}
				// The same while the service runs.
				must(t, os.RemoveAll(p.run))
				must(t, os.RemoveAll(p.state))
				a := p.ready(t, plan{})
				must(t, os.RemoveAll(path))
				if err := plant(t, p, path); err != nil && !errors.Is(err, os.ErrExist) { // the service was quicker
					t.Fatal(err)
				}
				// A directory in place of the state file leaves no way to report the outcome.
				for _, command := range [][]string{{"status"}, {"reload", "--timeout", "1s"}, {"stop"}} {
					discreet(t, root.do(t, command...))
				}
				// If its record was restored in time, the stop above has ended it.
				if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				discreet(t, a.end(t))
			})
		}
	}
}

func discreet(t *testing.T, r result) {
	t.Helper()
	for _, part := range []string{"secret", "19753186420", "97531864209", "invalid character"} {
		if text := strings.ReplaceAll(r.out+r.err, t.Name(), ""); strings.Contains(text, part+":") || strings.Contains(text, part) && part != "secret" {
			t.Errorf("it shows %q of a file that is none of ours:\n%s", part, text)
		}
	}
}

// If something was planted in place of the last-run record, the next run replaces it.
func TestPlantedLastRunRecordIsReplaced(t *testing.T) {
	p := publicPlace(t, plainUser)
	p.ready(t, plan{}).stop(t)
	must(t, os.Remove(p.lastRun()))
	must(t, syscall.Mkfifo(p.lastRun(), 0o666))
	p.as(0).do(t, "status").want(t, 3, "last-run record is damaged", "a FIFO")
	a := p.ready(t, plan{})
	if !strings.Contains(a.log.text(), "cut off") {
		t.Errorf("it does not say what it takes the last run for:\n%s", a.log.text())
	}
	a.stop(t)
	if last := p.last(t); !last.Clean() {
		t.Errorf("%+v", last)
	}
	p.clean(t)
}
