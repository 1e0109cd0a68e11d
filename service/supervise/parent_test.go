//go:build unix

package supervise_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

const soon = 10 * time.Millisecond

// The restart policy decides after which ends a child is started again.
func TestPolicy(t *testing.T) {
	for name, tt := range map[string]struct {
		restart  platform.Restart
		ends     []string
		children int
		code     int
	}{
		"failure, then success":       {platform.Restart{Policy: "on-failure", Delay: soon}, []string{"1", "70", "0"}, 3, 0},
		"killed, then success":        {platform.Restart{Policy: "on-failure", Delay: soon}, []string{"kill", "0"}, 2, 0},
		"never":                       {platform.Restart{Policy: "never", Delay: soon}, []string{"1"}, 1, 1},
		"never, killed":               {platform.Restart{Policy: "never", Delay: soon}, []string{"kill"}, 1, 1},
		"always, until there is none": {platform.Restart{Policy: "always", Delay: soon, Max: 3, Window: time.Hour}, []string{"0"}, 4, 0},
		"too often":                   {platform.Restart{Policy: "on-failure", Delay: soon, Max: 2, Window: time.Hour}, []string{"3"}, 3, 3},
		"already running":             {platform.Restart{Policy: "always", Delay: soon}, []string{"75"}, 1, 75},
		"not permitted":               {platform.Restart{Policy: "always", Delay: soon}, []string{"77"}, 1, 77},
		"bad configuration":           {platform.Restart{Policy: "on-failure", Delay: soon}, []string{"1", "78"}, 2, 78},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, out := supervised(t, tt.restart, tt.ends...)
			for n := range tt.children {
				line := out.expect(fmt.Sprintf("child %d ", n+1))
				if want := fmt.Sprintf("HOLDFAST_STARTER=sysv %d", cmd.Process.Pid); !strings.HasSuffix(line, want) {
					t.Errorf("%q does not say %q", line, want)
				}
			}
			out.end()
			exits(t, cmd, tt.code)
		})
	}
}

// Waits is called with the next start, and with how the last child has ended.
func TestWaitsAreTold(t *testing.T) {
	restart := platform.Restart{Policy: "on-failure", Delay: soon, Max: 5, Window: time.Hour}
	cmd, out := begin(t, script{Restart: restart, Ends: []string{"kill", "3", "0"}, Counter: t.TempDir() + "/counter", Waits: true})
	for n, how := range []string{"{false -1 SIGKILL killed by SIGKILL }", "{false 3  exit code 3 }"} {
		out.expect(fmt.Sprintf("child %d ", n+1))
		if got, want := out.next(), fmt.Sprintf("waits %d 5 1h0m0s 10ms true %s", n+1, how); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
		out.expect("waits no more")
	}
	out.expect("child 3 ")
	out.expect("leaves ")
	out.end()
	exits(t, cmd, 0)
}

// Leaves is called with the last end, and with the reason: it ended well, or too often.
func TestLeavingIsTold(t *testing.T) {
	for end, want := range map[string]string{"kill": "leaves {false -1 SIGKILL killed by SIGKILL } true", "0": "leaves {true 0  exit code 0 } false"} {
		_, out := begin(t, script{Restart: platform.Restart{Policy: "on-failure", Delay: soon, Max: 1, Window: time.Hour}, Ends: []string{"kill", end}, Counter: t.TempDir() + "/counter", Waits: true})
		out.expect("child 1 ")
		out.expect("waits 1 ")
		out.expect("waits no more")
		out.expect("child 2 ")
		if got := out.next(); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// A program that is being replaced cannot be executed. That is one failed start, and not the
// end of the supervision (issue 9, 9).
func TestProgramIsBeingReplaced(t *testing.T) {
	dir := t.TempDir()
	program := dir + "/program"
	put := func() {
		t.Helper()
		secondName(t, dir+"/new")
		if err := os.Rename(dir+"/new", program); err != nil {
			t.Fatal(err)
		}
	}
	put()
	restart := platform.Restart{Policy: "on-failure", Delay: soon, Max: platform.NoLimit} // on a busy machine it is tried often until then
	cmd, out := begin(t, script{restart, []string{"remove", "0"}, dir + "/counter", program, false})
	out.expect("child 1")
	for line := out.next(); !strings.Contains(line, "no such file"); line = out.next() {
		if strings.HasPrefix(line, "error") {
			t.Fatal(line)
		}
	}
	put()
	line := out.next()
	for ; strings.HasPrefix(line, "log"); line = out.next() {
	}
	if !strings.HasPrefix(line, "child 2") {
		t.Errorf("it says %q", line)
	}
	for more := true; more; more = out.r.Scan() {
	}
	exits(t, cmd, 0)
}

// secondName gives the test binary another name.
func secondName(t *testing.T, path string) {
	t.Helper()
	if os.Link(os.Args[0], path) == nil {
		return
	}
	content, err := os.ReadFile(os.Args[0]) // on another file system
	if err == nil {
		err = os.WriteFile(path, content, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Starts that the system refuses count as restarts, too: after three of them the supervisor
// gives up.
func TestProgramIsGoneForGood(t *testing.T) {
	dir := t.TempDir()
	program := dir + "/program"
	secondName(t, program)
	restart := platform.Restart{Policy: "on-failure", Delay: soon, Max: 3, Window: time.Hour}
	cmd, out := begin(t, script{restart, []string{"remove"}, dir + "/counter", program, false})
	out.expect("child 1")
	refused := 0
	for line := out.next(); !strings.Contains(line, "too often"); line = out.next() {
		if strings.Contains(line, "no such file") {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("refused %d times before it was too often", refused)
	}
	exits(t, cmd, 1)
}

// The supervisor does not wait for a program that never existed.
func TestProgramIsNotThere(t *testing.T) {
	_, out := begin(t, script{platform.Restart{Policy: "always", Delay: soon}, []string{"0"}, t.TempDir() + "/counter", "/nonexistent/program", false})
	out.expect("error:")
}

func TestBackOff(t *testing.T) {
	for _, tt := range []struct {
		delay   time.Duration
		refused int
		want    time.Duration
	}{
		{time.Second, 0, time.Second},
		{time.Second, 1, time.Second},
		{time.Second, 3, 4 * time.Second},
		{time.Second, 100, time.Minute},
		{time.Hour, 100, time.Hour},
		{0, 0, 0},
		{0, 2, 20 * time.Millisecond},
	} {
		if got := supervise.BackOff(tt.delay, tt.refused); got != tt.want {
			t.Errorf("%v, refused %d times: %v, want %v", tt.delay, tt.refused, got, tt.want)
		}
	}
}

func exits(t *testing.T, cmd *exec.Cmd, code int) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Error(err)
	case cmd.ProcessState.ExitCode() != code:
		t.Errorf("it ended with %v, want code %d", cmd.ProcessState, code)
	}
}

// A stop reaches the child, is waited for, and ends the supervision whatever the policy.
func TestStop(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "wait")
		out.expect("child 1")
		signalIt(t, cmd, sig)
		out.expect("got " + sig.String())
		out.expect("leaving")
		out.end()
		exits(t, cmd, 0)
	}
}

// Each request is passed on: a second one hurries the child, too.
func TestSecondStop(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "stubborn")
	out.expect("child 1")
	for range 2 {
		signalIt(t, cmd, syscall.SIGTERM)
		out.expect("got terminated")
	}
	out.expect("leaving")
	exits(t, cmd, 0)
}

// A stop while no child runs ends the wait for the next start.
func TestStopWhileResting(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: time.Hour}, "1")
	child := pidIn(t, out.expect("child 1"))
	for syscall.Kill(child, 0) == nil { // until it is reaped
		time.Sleep(time.Millisecond)
	}
	signalIt(t, cmd, syscall.SIGHUP) // asks for nothing that is not done anyway
	signalIt(t, cmd, syscall.SIGTERM)
	out.end()
	exits(t, cmd, 1)
}

func TestReloadIsPassedOn(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "wait")
	if line := out.expect("child 1"); !strings.Contains(line, "true") {
		t.Errorf("SIGHUP is not ignored from the beginning: %q", line)
	}
	for range 3 {
		signalIt(t, cmd, syscall.SIGHUP)
		out.expect("got hangup")
	}
	signalIt(t, cmd, syscall.SIGTERM)
	out.expect("got terminated")
	out.expect("leaving")
	exits(t, cmd, 0)
}

// INCIDENT 5: a SIGHUP that comes before the child has a handler does not kill it.
func TestEarlyReload(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "never"}, "late")
	line := out.expect("defenceless")
	child, gate := pidIn(t, line), strings.Fields(line)[1]
	signalIt(t, cmd, syscall.SIGHUP)
	if err := syscall.Kill(child, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(gate, nil, 0); err != nil { // it has had the signal
		t.Fatal(err)
	}
	out.expect("child 1")
	signalIt(t, cmd, syscall.SIGTERM)
	for line := out.next(); line != "leaving"; line = out.next() {
		t.Log(line)
	}
	exits(t, cmd, 0)
}

func signalIt(t *testing.T, cmd *exec.Cmd, sig syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
