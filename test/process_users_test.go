//go:build linux || darwin

package test_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Two users that nobody else has, so that only our processes run as them.
const (
	plainUser = 64_998
	otherUser = 64_999
)

// publicPlace is a place that everybody can reach, with the service running as
// the user with the number uid.
func publicPlace(t *testing.T, uid int) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run a service as another user")
	}
	dir, err := os.MkdirTemp("", "holdfast-test-") //nolint:usetesting // t.TempDir is for its owner alone
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	own := filepath.Join(dir, "own")
	must(t, os.Mkdir(own, 0o755))
	must(t, os.Chown(own, uid, uid))
	p := newPlace(t)
	copyFile(t, p.exe, filepath.Join(dir, "feedd"))
	p.exe, p.run, p.state = filepath.Join(dir, "feedd"), filepath.Join(own, "run"), filepath.Join(own, "state")
	return p.as(uid)
}

// as returns the same place as another user sees it.
func (p *place) as(uid int) *place {
	other := *p
	other.attr = &syscall.SysProcAttr{}
	if uid != os.Geteuid() {
		other.attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	return &other
}

// inGroup returns how to start a process of the place: in the process group of leader, or in a
// new one for 0.
func (p *place) inGroup(leader int) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pgid: leader}
	if p.attr != nil {
		attr.Credential = p.attr.Credential
	}
	return attr
}

// "Given A runs as another user (EPERM on kill 0), when asked, then "running"." A user who
// may not signal A is told so, with the exit code for it.
func TestIncident2_AnotherUsersInstanceRuns(t *testing.T) {
	for name, uid := range map[string]int{"root's": 0, "a plain user's": plainUser} {
		t.Run(name, func(t *testing.T) {
			p := publicPlace(t, uid)
			asker := p.as(otherUser)
			a := p.ready(t, plan{})
			mayNotSignal(t, asker, a)
			before := p.snapshot(t)

			s := asker.status(t, 0)
			if s.PID != a.pid || !s.Ready || s.Phase != "ready" || s.StartedBy != "hand" {
				t.Errorf("status of another user's instance: %+v", s)
			}
			if want := userName(uid); s.User != want {
				t.Errorf("status names the user %q, want %q", s.User, want)
			}
			asker.do(t, "status").want(t, 0, "is ready", strconv.Itoa(a.pid))
			b := asker.start(t, plan{})
			b.end(t).want(t, 75, "already running", "pid "+strconv.Itoa(a.pid), "user "+userName(uid))
			asker.do(t, "stop").want(t, 77, `stop "feedd"`, "not permitted", strconv.Itoa(a.pid), "ask as user "+userName(uid))
			asker.do(t, "reload").want(t, 77, `reload "feedd"`, "not permitted", strconv.Itoa(a.pid), "ask as user "+userName(uid))
			before.unchanged(t)
			if got := a.out.text(); got != "start\nstarted\n" {
				t.Errorf("the instance noticed:\n%s", got)
			}
			// Root may do so.
			p.as(0).do(t, "reload").want(t, 0)
			p.as(0).do(t, "stop").want(t, 0)
			a.end(t).want(t, 0)
			asker.do(t, "status").want(t, 3)
			p.clean(t)
		})
	}
}

// root starts the service by hand in the directories of the service's user. That user can
// open the mutex that this start makes.
func TestRootsStartIsNotTheLast(t *testing.T) {
	p := publicPlace(t, plainUser)
	p.ready(t, plan{}).stop(t)
	must(t, os.Remove(p.mutexFile()))
	root := p.as(0)
	root.ready(t, plan{}).stop(t)
	p.free(t)
	a := root.ready(t, plan{})
	must(t, os.Remove(p.mutexFile()))
	a.out.await(t, "tamper ")
	a.stop(t)
	p.free(t)
}

// root and the service's user start the service in turn, in the user's directories. Each
// sees the other's instance, and can start it after the other's has ended, in whatever way.
func TestIssue9_RootAndTheServicesUserTakeTurns(t *testing.T) {
	for name, whoFirst := range map[string]bool{"root first": true, "the user first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := publicPlace(t, plainUser)
			for _, dir := range []string{user.run, user.state} {
				must(t, os.Mkdir(dir, 0o755))
				must(t, os.Chown(dir, plainUser, plainUser))
			}
			root := user.as(0)
			turns := []*place{user, root}
			if whoFirst {
				turns = []*place{root, user}
			}
			for range 2 {
				for i, p := range turns {
					a := p.ready(t, plan{})
					for _, asker := range []*place{p, turns[1-i], p.as(otherUser)} {
						if s := asker.status(t, 0); s.PID != a.pid || !s.Ready {
							t.Errorf("status: %+v", s)
						}
					}
					a.kill(t)
				}
				for _, p := range turns {
					a := p.ready(t, plan{})
					root.do(t, "reload").want(t, 0)
					if root.do(t, "stop").want(t, 0); t.Failed() {
						return
					}
					a.end(t).want(t, 0)
				}
			}
			user.free(t)
		})
	}
}

func mayNotSignal(t *testing.T, asker *place, a *process) {
	t.Helper()
	kill := exec.Command("/bin/sh", "-c", "kill -0 "+strconv.Itoa(a.pid))
	kill.SysProcAttr = asker.attr
	kill.Dir = "/"
	if out, err := kill.CombinedOutput(); err == nil || !strings.Contains(strings.ToLower(string(out)), "permitted") {
		t.Fatalf("the test needs a user who may not signal: %v, %s", err, out)
	}
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
