//go:build linux || darwin

package test_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// NanoMQ: a second start overwrote the PID file with its own number; `stop`
// removed the file first, and then could not find what it had failed to stop.

// "Given A running, when B starts, then B fails (75) and the file still holds A, byte for
// byte": in every phase of A's life.
func TestIncident2_SecondStartFailsAndFileStillHoldsA(t *testing.T) {
	p := newPlace(t)
	a := p.start(t, plan{Start: "wait", Reload: "wait", Stop: "wait"})
	refused := func(phase string) {
		t.Helper()
		before := content(t, p.pidFile())
		if before != fmt.Sprintln(a.pid) {
			t.Errorf("%s: the file holds %q, A is %d", phase, before, a.pid)
		}
		b := p.start(t, plan{})
		b.end(t).want(t, 75, "already running", strconv.Itoa(a.pid))
		if after := content(t, p.pidFile()); after != before {
			t.Errorf("%s: the file holds %q now, it held %q", phase, after, before)
		}
		if b.out.text() != "" {
			t.Errorf("%s: B came as far as its program:\n%s", phase, b.out.text())
		}
	}
	a.out.await(t, "start")
	refused("starting")
	a.order(t, "start")
	a.log.await(t, "ready: after=")
	refused("ready")
	a.signal(t, syscall.SIGHUP)
	a.out.await(t, "reload 1")
	refused("reloading")
	a.order(t, "reload")
	a.out.await(t, "reloaded 1")
	a.signal(t, syscall.SIGTERM)
	a.out.await(t, "stop")
	refused("stopping")
	a.order(t, "stop")
	a.end(t).want(t, 0)
	p.free(t)
}

// "Given `stop`, then the file stays until A is gone; `stop` returns only then." A is slow
// in two places: in Stop, and after its last step, when lock and file are gone but the
// process still exists.
func TestIncident2_StopKeepsPIDFileUntilGone(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Stop: "wait", Exit: "wait"})
	id, err := proc.Of(a.pid)
	must(t, err)
	stop := p.begin(t, "stop")
	a.out.await(t, "stop")
	p.await(t, platform.PhaseStopping)
	p.do(t, "status").want(t, 0, "stopping", "asked to stop by SIGTERM")
	if got, want := content(t, p.pidFile()), fmt.Sprintln(a.pid); got != want {
		t.Errorf("while A stops, the file holds %q, want %q", got, want)
	}
	a.order(t, "stop")
	a.out.await(t, "exit")
	if _, err := os.Lstat(p.pidFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the PID file of an A that has released its lock: %v", err)
	}
	p.do(t, "status").want(t, 3) // time in which `stop` would return if it looked at files
	if !stop.alive() {
		t.Error("`stop` returned before A was gone")
	}
	a.order(t, "exit")
	stop.end(t).want(t, 0)
	if alive, err := id.Alive(); alive || err != nil {
		t.Errorf("`stop` returned, and A is alive: %v, %v", alive, err)
	}
	a.end(t).want(t, 0)
	p.clean(t)
	p.do(t, "stop").want(t, 0, "not running") // once more is fine
}

// "[...] and says so if A would not go."
func TestIncident2_StopSaysThatAWouldNotGo(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Stop: "wait"})
	p.do(t, "stop", "--timeout", "100ms").want(t, 1, platform.ErrTimeout.Error(), "still there", strconv.Itoa(a.pid))
	p.holds(t, a)
	if !a.alive() {
		t.Fatal("A was killed")
	}
	// A second request is no force: A has its whole grace period for its Stop.
	a.order(t, "stop")
	a.end(t).want(t, 0)
	p.free(t)
}

// Suppose that A cannot end by its own time limit, because it is stopped by a signal or the
// disk hangs. Then it is killed only if the operator asks for that.
func TestIncident2_StopKillsOnlyWhenToldTo(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	wait.Pause(t, a.pid)
	p.do(t, "stop", "--timeout", "50ms").want(t, 1, platform.ErrTimeout.Error())
	if !a.alive() {
		t.Fatal("A was killed")
	}
	p.do(t, "stop", "--timeout", "50ms", "--kill").want(t, platform.ExitNotInOrder, "killing", "gone, but did not stop in order")
	a.end(t).want(t, 128+9)
	p.do(t, "status").want(t, 1, "gone")
	p.free(t)
}

// "Given kill -9 [...], then start succeeds and a second start still fails." (For a PID
// that the kernel has given to another process, see process_namespace_linux_test.go.)
func TestIncident2_StartAfterKill(t *testing.T) {
	p := newPlace(t)
	for range 3 {
		a := p.ready(t, plan{})
		p.holds(t, a)
		a.kill(t)
		p.do(t, "status").want(t, 1, "gone", "killed or crashed")
		p.do(t, "stop").want(t, 0, "not running", "gone")
	}
	p.free(t)
}

// "Given a slow A, when `restart`, then no SIGKILL before the grace period, and no overlap
// of old and new": without a manager. The behaviour scripts prove it for each manager.
func TestIncident2_RestartOfASlowA(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Stop: "wait"})
	p.do(t, "restart").want(t, 1, "stop it and start it by hand")
	if a.out.count("stop") != 0 {
		t.Error("a restart that cannot start anew did stop")
	}
	stop := p.begin(t, "stop") // && run
	a.out.await(t, "stop")
	p.start(t, plan{}).end(t).want(t, 75) // while the old one is there, there is no new one
	if !a.alive() || !stop.alive() {
		t.Fatal("A was killed, or `stop` does not wait for it")
	}
	a.order(t, "stop")
	stop.end(t).want(t, 0)
	b := p.ready(t, plan{})
	a.end(t).want(t, 0) // and not 137
	p.holds(t, b)
	b.stop(t)
	p.clean(t)
}

// "Empty, truncated, huge, binary, negative, "0", "1", "-1" PID files: never a signal sent,
// a clear word to the user." The foreign process shares group and user with the command,
// which therefore could signal it.
func TestIncident2_JunkInThePIDFile(t *testing.T) {
	p := newPlace(t)
	if os.Geteuid() == 0 {
		p = publicPlace(t, plainUser) // what kills "all processes" does not kill the machine's
	}
	p.attr = p.inGroup(0)
	f := p.foreign(t)
	group := *p
	group.attr = p.inGroup(f.pid)
	for name, c := range map[string]struct{ content, says string }{
		"empty":              {"", "PID file is empty"},
		"a line break":       {"\n", "PID file is empty"},
		"truncated":          {strings.TrimRight(strconv.Itoa(f.pid/10), "0") + "1", "names "},
		"cut off by a crash": {strconv.Itoa(f.pid) + "\x00\x00\n", "process number"},
		"huge":               {strings.Repeat(strconv.Itoa(f.pid)+"\n", 1<<17), "process number"},
		"binary":             {"\x00\x01\xff\xfe\x7fELF", "process number"},
		"zero":               {"0\n", "process number"},
		"init":               {"1\n", "names 1"},
		"all processes":      {"-1\n", "process number"},
		"a group":            {"-" + strconv.Itoa(f.pid) + "\n", "process number"},
		"a sign":             {"+" + strconv.Itoa(f.pid) + "\n", "process number"},
		"space":              {" " + strconv.Itoa(f.pid) + "\n", "process number"},
		"two numbers":        {strconv.Itoa(f.pid) + " " + strconv.Itoa(f.pid), "process number"},
		"wraps at 32 bits":   {strconv.FormatInt(1<<32+int64(f.pid), 10), "process number"},
		"beyond 64 bits":     {strings.Repeat("9", 25), "process number"},
		"a foreign process":  {strconv.Itoa(f.pid) + "\n", "names " + strconv.Itoa(f.pid)},
	} {
		t.Run(name, func(t *testing.T) {
			p.leave(t, p.pidFile(), c.content)
			for _, command := range []string{"stop", "reload", "status"} {
				code := map[string]int{"stop": 0, "reload": 1, "status": 1}[command]
				r := group.do(t, command)
				r.want(t, code, p.pidFile(), c.says)
				if len(r.out+r.err) > 1000 {
					t.Errorf("%s: it talks too much: %d bytes", command, len(r.out+r.err))
				}
			}
			if got := content(t, p.pidFile()); got != c.content {
				t.Errorf("a question changed the file")
			}
			p.free(t) // a start takes over
		})
	}
	f.untouched(t)
}
