//go:build unix

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// counted fails the test unless the trial has had so many attempts.
func (c *court) counted(want int) {
	c.t.Helper()
	tries, err := trial.ReadTries(c.record.TriesFile, "t1")
	if err != nil || tries.Count != want {
		c.t.Errorf("counted %+v, %v; want %d", tries, err, want)
	}
}

// A candidate that fails, in Start or by a crash, is executed as often as allowed, and counted
// before each time. The confirmed version follows the last attempt.
func TestIssue11_TriesAreCountedBeforeEach(t *testing.T) {
	c := newCourt(t)
	c.record.Tries = 3
	c.opens()
	cmd, lines, _ := c.run("fails")
	for range 3 {
		expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	}
	expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
	c.ends(cmd, lines)
	c.counted(3)

	c = newCourt(t)
	c.record.Tries = 2
	c.opens()
	for n := range 2 { // its manager starts it again
		cmd, lines, _ := c.run("dies")
		expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
		_ = cmd.Wait()
		c.counted(n + 1)
	}
	cmd, lines, _ = c.run("dies")
	expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
	c.ends(cmd, lines)
}

// A start by hand during a trial uses no attempt, runs no candidate, and does not count for
// whoever began the trial. A start by the manager does.
func TestIssue11_AStartByHandIsNoTry(t *testing.T) {
	c := newCourt(t)
	c.record.Manager = "sysv"
	c.opens()
	for _, starter := range []string{"", "sysv 1", fmt.Sprintf("openrc %d", os.Getpid())} {
		t.Setenv(native.StarterVariable, starter)
		cmd, lines, errs := c.run("")
		expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
		c.ends(cmd, lines)
		if !strings.Contains(errs.String(), "only starts by sysv") {
			t.Errorf("%q: said %q", starter, errs)
		}
		if _, err := os.Lstat(c.record.TriesFile); err == nil {
			t.Errorf("%q: it was noted", starter)
		}
	}
	t.Setenv(native.StarterVariable, fmt.Sprintf("sysv %d", os.Getpid()))
	cmd, lines, _ := c.run("")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	c.ends(cmd, lines)
	c.counted(1)
}

// A candidate is healthy from its first answers on, and not before. For a service that is not
// on trial nothing of this is written.
func TestIssue11_ACandidateIsExaminedWhenItsChecksHaveAnswered(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("answers late")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	wait.Until(t, "it is ready", func() bool { return c.state().Ready() })
	if s := c.state(); s.Examined {
		t.Errorf("examined, and its check has not answered: %+v", s)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "answers"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "it is examined", func() bool { return c.state().Examined })
	if s := c.state(); len(s.Health) != 1 || !s.Health[0].OK {
		t.Errorf("examined, and %+v", s.Health)
	}
	c.ends(cmd, lines)

	cmd, lines, _ = c.run("")
	expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
	wait.Until(t, "it is ready", func() bool { return c.state().Ready() })
	if c.state().Examined {
		t.Error("the confirmed version is examined for nobody")
	}
	c.ends(cmd, lines)
}
