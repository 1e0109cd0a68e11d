package test_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// insideVariable is set in the copy of a test that runs in a PID namespace.
const insideVariable = "HOLDFAST_TEST_INSIDE"

// inNamespace runs the calling test once more, as process 1 of a PID namespace with its own
// /proc. It reports whether this process is the one in the namespace.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) != "" {
		must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		must(t, syscall.Mount("proc", "/proc", "proc", 0, ""))
		return true
	}
	needNamespaces(t)
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), insideVariable+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = namespaces()
	out, err := cmd.CombinedOutput()
	t.Logf("in a PID namespace:\n%s", out)
	must(t, err)
	return false
}

func namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
}

func needNamespaces(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a PID namespace")
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = namespaces()
	if err := probe.Run(); err != nil {
		t.Skip("this root cannot make a PID namespace: ", err)
	}
}

// number makes the kernel give pid to the next process or thread.
func number(t *testing.T, pid int) {
	t.Helper()
	err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this kernel does not let us choose a process number (CONFIG_CHECKPOINT_RESTORE)")
	}
	must(t, err)
}

// reused kills an instance of p, and makes begin start a process with the same PID. If a
// thread of ours gets the number first, everything is repeated.
func reused(t *testing.T, p *place, begin func() *process) (dead proc.Identity, next *process) {
	t.Helper()
	for try := range 20 {
		number(t, 1000*(try+1))
		a := p.ready(t, plan{})
		dead, err := proc.Of(a.pid)
		must(t, err)
		a.kill(t)
		number(t, a.pid)
		next = begin()
		if id, err := proc.Of(next.pid); err == nil && id.PID == dead.PID && id.Start != dead.Start {
			return dead, next
		}
		next.kill(t)
	}
	t.Fatal("the kernel does not hand out the number of a dead process again")
	return dead, next
}

// "Given kill -9 and the PID reused, then start succeeds and a second start
// still fails."
func TestIncident2_KillAndPIDReused(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	p := newPlace(t)
	dead, f := reused(t, p, func() *process { return p.foreign(t) })
	t.Logf("the instance was %+v, the foreign process now is %d", dead, f.pid)

	p.do(t, "status").want(t, 1, "dead", strconv.Itoa(f.pid))
	p.do(t, "stop").want(t, 0, "not running", "left alone")
	p.do(t, "reload").want(t, 1, "not running", "left alone")
	b := p.ready(t, plan{})
	p.holds(t, b)
	p.do(t, "stop").want(t, 0)
	b.end(t).want(t, 0)
	p.clean(t)
	f.untouched(t)
}

// The same if the new instance itself gets the PID of the dead one.
func TestIncident2_InstanceGetsTheNumberOfItsPredecessor(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	p := newPlace(t)
	dead, b := reused(t, p, func() *process { return p.ready(t, plan{}) })
	if alive, err := dead.Alive(); alive || err != nil {
		t.Errorf("the dead instance is taken for alive: %v, %v", alive, err)
	}
	p.holds(t, b)
	b.stop(t)
	p.clean(t)
}

// Two containers that share a volume: in each the service is process 1.
func TestIncident1_ProcessOneOfAnotherContainer(t *testing.T) {
	needNamespaces(t)
	outside := newPlace(t)
	container := *outside
	container.attr = namespaces()
	container.through = []string{"/bin/sh", "-c", `mount --make-rprivate / && mount -t proc proc /proc && exec "$0" "$@"`}

	a := container.ready(t, plan{})
	if got := content(t, outside.pidFile()); got != "1\n" {
		t.Fatalf("the PID file holds %q, want 1", got)
	}
	// Process 1 of the other container must not be taken for process 1 of this one, nor
	// signalled.
	for _, p := range []*place{outside, &container} {
		start, stop, status := p.start(t, plan{}), p.begin(t, "stop"), p.begin(t, "status", "--json")
		start.end(t).want(t, 75, "already running", "cannot be identified")
		stop.end(t).want(t, 1, "cannot be identified", "no process is signalled")
		if r := status.report(t, 4); r.PID != 0 || r.Phase != "unknown" {
			t.Errorf("status takes some process for the instance: %+v", r)
		}
	}
	if got := content(t, outside.pidFile()); got != "1\n" {
		t.Errorf("the PID file holds %q, want 1", got)
	}
	a.kill(t)
	outside.do(t, "status").want(t, 1)
	b := container.ready(t, plan{})
	b.stop(t)
	outside.free(t)
}
