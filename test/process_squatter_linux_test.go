package test_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Anybody who can open a file can lock it. So no lock that another user can take
// keeps a service from starting.

// squats starts a process that locks files.
func (p *place) squats(t *testing.T, how string, paths ...string) *process {
	t.Helper()
	s := p.launch(t, "squatter", plan{}, append([]string{how}, paths...)...)
	s.out.await(t, "up")
	return s
}

func (p *place) files() []string {
	return []string{p.pidFile(), p.lockFile(), p.mutexFile(), p.lastRun(), p.stateFile()}
}

func (pr *process) leave(t *testing.T) {
	t.Helper()
	must(t, pr.stdin.Close())
	pr.end(t).want(t, 0)
}

// The service was killed, so all of its files are there.
func TestSquatter_LocksOfAnotherUserKeepNobodyFromStarting(t *testing.T) {
	for name, uid := range map[string]int{"root's": 0, "a plain user's": plainUser} {
		for _, how := range []string{"shared", "exclusive", "lease"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				p := publicPlace(t, uid)
				p.ready(t, plan{}).kill(t)
				squatter := p.as(otherUser).squats(t, how, p.files()...)
				if !strings.Contains(squatter.out.text(), "no "+p.mutexFile()+": permission denied") {
					t.Errorf("another user can open what decides:\n%s", squatter.out.text())
				}
				locked := strings.Contains(squatter.out.text(), "has "+p.pidFile())
				if want := how != "lease"; locked != want {
					t.Fatalf("it has locked the PID file: %t, want %t:\n%s", locked, want, squatter.out.text())
				}
				p.do(t, "status").want(t, 1, "dead")
				p.as(otherUser).do(t, "status").want(t, 1, "dead")

				a := p.ready(t, plan{})
				if locked {
					alarm := a.out.await(t, "tamper ")
					for _, word := range []string{p.pidFile(), "replaced", "process " + strconv.Itoa(squatter.pid), "user " + userName(otherUser)} {
						if !strings.Contains(alarm, word) {
							t.Errorf("the alarm does not say %q: %s", word, alarm)
						}
					}
				}
				p.holds(t, a)
				if s := p.as(otherUser).status(t, 0); s.PID != a.pid || !s.Ready {
					t.Errorf("status, to others: %+v", s)
				}
				// Locks on the new files do not prevent it either.
				second := p.as(otherUser).squats(t, how, p.files()...)
				p.holds(t, a)
				p.do(t, "reload").want(t, 0)
				a.stop(t)
				p.do(t, "status").want(t, 3)
				p.as(otherUser).do(t, "status").want(t, 3)
				p.free(t)
				squatter.leave(t)
				second.leave(t)
			})
		}
	}
}

// The squatter is quick: it locks every new file at once.
func TestSquatter_LocksAgainAndAgain(t *testing.T) {
	t.Parallel()
	p := publicPlace(t, 0)
	squatter := p.as(otherUser).squats(t, "again", p.files()...)
	for range 10 {
		a := p.ready(t, plan{})
		p.start(t, plan{}).end(t).want(t, 75, "already running", "pid "+strconv.Itoa(a.pid))
		if s := p.as(otherUser).status(t, 0); s.PID != a.pid {
			t.Errorf("status, to others: %+v", s)
		}
		a.kill(t)
		b := p.ready(t, plan{})
		b.stop(t)
		p.clean(t)
	}
	squatter.leave(t)
}

// Everybody could open the lock file of an older version, and somebody has held a lock on
// it since. The service starts, and none of its files is replaced.
func TestSquatter_HasTheLockOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	p := publicPlace(t, 0)
	elder := p.launch(t, "elder", plan{}, p.lockFile(), p.pidFile())
	elder.out.await(t, "up")
	early, err := os.Open(p.lockFile())
	must(t, err)
	defer func() { _ = early.Close() }()
	elder.kill(t)
	squatter := p.as(otherUser).squats(t, "exclusive", p.lockFile(), p.pidFile())
	p.do(t, "status").want(t, 1, "dead")
	for range 2 {
		a := p.ready(t, plan{})
		p.holds(t, a)
		a.stop(t)
		p.clean(t)
	}
	squatter.leave(t)
}

// Other users cannot copy descriptors of the holder by pidfd_getfd(2).
func TestSquatter_CannotTakeADescriptorOfTheHolder(t *testing.T) {
	t.Parallel()
	for name, uid := range map[string]int{"root's": 0, "a plain user's": plainUser} {
		t.Run(name, func(t *testing.T) {
			p := publicPlace(t, uid)
			a := p.ready(t, plan{})
			found := heldLink(t, a.pid, p.mutexFile())
			if found == "" {
				t.Fatalf("it does not hold %s", p.mutexFile())
			}
			squatter := p.as(otherUser).squats(t, "shared", found)
			if !strings.Contains(squatter.out.text(), "no "+found+": permission denied") {
				t.Error("it has:\n" + squatter.out.text())
			}
			squatter.leave(t)
			a.stop(t)
		})
	}
}

// Any user may make a mount namespace. There the squatter has locked and removed files with
// the names of ours, which looks like a holder whose files were all removed.
func TestSquatter_ForgesAHolderOfRemovedFiles(t *testing.T) {
	t.Parallel()
	p := publicPlace(t, 0)
	must(t, errors.Join(os.MkdirAll(p.state, 0o755), os.MkdirAll(p.run, 0o755)))
	forger := p.as(otherUser)
	script := fmt.Sprintf(`mount -t tmpfs none %s && mount -t tmpfs none %s && exec "$0" "$@"`, p.state, p.run)
	forger.through = []string{"unshare", "-Urm", "/bin/sh", "-c", script}
	probe := exec.Command("unshare", "-Urm", "true")
	probe.SysProcAttr, probe.Dir = forger.attr, "/"
	if err := probe.Run(); err != nil {
		t.Skip("users make no namespaces here: ", err)
	}
	squatter := forger.squats(t, "forged", p.mutexFile(), p.lockFile(), p.pidFile())
	if link := heldLink(t, squatter.pid, p.mutexFile()+" (deleted)"); link == "" {
		t.Fatal("nothing is forged")
	}
	a := p.ready(t, plan{}) // the first start ever, without a mutex
	p.holds(t, a)
	a.stop(t)
	squatter.leave(t)
}

// heldLink returns the descriptor of a process that leads to a file.
func heldLink(t *testing.T, pid int, there string) string {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == there {
			return link
		}
	}
	return ""
}

// An administrator made all files readable, and the squatter opened the mutex meanwhile.
// Once an instance holds the name, the opened file no longer decides anything.
func TestSquatter_OpenedAMutexThatWasMadePublic(t *testing.T) {
	t.Parallel()
	p := publicPlace(t, 0)
	a := p.ready(t, plan{})
	must(t, os.Chmod(p.mutexFile(), 0o644))
	public, err := os.Open(p.mutexFile()) // what strangers have from now on
	must(t, err)
	defer func() { _ = public.Close() }()
	if alarm := a.out.await(t, "tamper "); !strings.Contains(alarm, p.mutexFile()) || !strings.Contains(alarm, "by others") {
		t.Errorf("the alarm is %q", alarm)
	}
	was, err := public.Stat()
	must(t, err)
	is, err := os.Lstat(p.mutexFile())
	must(t, err)
	if os.SameFile(was, is) || is.Mode().Perm() != 0o600 {
		t.Errorf("what decides is still open to strangers: %v", is.Mode())
	}
	p.holds(t, a)
	a.stop(t)
	// The same while no instance runs.
	must(t, os.Chmod(p.mutexFile(), 0o644))
	a = p.ready(t, plan{})
	then, err := os.Lstat(p.mutexFile())
	must(t, err)
	if os.SameFile(is, then) || then.Mode().Perm() != 0o600 {
		t.Errorf("what decides can still be open to strangers: %v", then.Mode())
	}
	p.holds(t, a)
	a.stop(t)
	p.clean(t)
}

// After an update of the package and before the restart, the running instance is of a
// version that had no mutex.
func TestElderHolderIsRespected(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	elder := p.launch(t, "elder", plan{}, p.lockFile(), p.pidFile())
	elder.out.await(t, "up")
	pid := "pid " + strconv.Itoa(elder.pid)
	if s := p.status(t, 0); s.PID != elder.pid || s.StartedBy != "elder" {
		t.Errorf("status: %+v", s)
	}
	p.start(t, plan{}).end(t).want(t, 75, "already running", pid)
	p.start(t, plan{}).end(t).want(t, 75, "already running", pid) // with the mutex there
	must(t, os.Remove(p.pidFile()))
	p.start(t, plan{}).end(t).want(t, 75, "already running", pid)
	if s := p.status(t, 0); s.PID != elder.pid {
		t.Errorf("status without a PID file: %+v", s)
	}
	must(t, os.Remove(p.lockFile()))
	p.start(t, plan{}).end(t).want(t, 75, "already running", pid)
	elder.kill(t)
	a := p.ready(t, plan{})
	p.holds(t, a)

	// The other way round: back to that version, beside a running instance.
	p.launch(t, "elder", plan{}, p.lockFile()+".old", p.pidFile()).out.await(t, "refused")
	p.holds(t, a)
	a.stop(t)
	must(t, errors.Join(os.Remove(p.lockFile()+".old")))
	p.free(t)
}
