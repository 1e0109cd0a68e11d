package cli_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// interrupted runs a command that is interrupted after a second.
func (p *place) interrupted(m cli.Machine, args ...string) error {
	ctx, cancel := context.WithCancelCause(p.t.Context())
	time.AfterFunc(time.Second, func() { cancel(errors.New("interrupt signal received")) })
	return p.runOn(ctx, m, args...)
}

// An interrupted install leaves nothing behind.
func TestInterruptedInstallIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		unit := p.dir + "/feedd.service"
		p.m.steps = []platform.Step{
			{Kind: platform.StepWriteFile, Describe: "the unit", Path: unit, Mode: 0o644, Content: []byte("[Unit]\n")},
			{Kind: platform.StepRun, Describe: "enable it", Argv: []string{"enable"}, Undo: []string{"disable"}},
			{Kind: platform.StepRun, Describe: "tell the manager", Argv: []string{"hang"}},
			{Kind: platform.StepRun, Describe: "start it", Argv: []string{"start"}},
		}
		err := p.interrupted(p.machine(), "install", "--program", "/usr/sbin/feedd")
		if cli.ExitCode(err) != 1 || !strings.Contains(errText(err), "tell the manager: ") {
			t.Errorf("%v", err)
		}
		if got := strings.Join(p.did, " "); got != "enable hang disable" {
			t.Errorf("it did %q", got)
		}
		if _, err := os.Stat(unit); err == nil {
			t.Error("the unit is left")
		}
	})
}

// Every wait ends with the command.
func TestEveryWaitEndsWithTheCommand(t *testing.T) {
	for name, tt := range map[string]struct {
		so     []func(*place)
		args   string
		silent bool // it ends without an error, as what it was asked for is done
	}{
		"the manager, start":    {so: []func(*place){hangs}, args: "start"},
		"the manager, stop":     {so: []func(*place){running, hangs}, args: "stop"},
		"the manager, restart":  {so: []func(*place){running, hangs}, args: "restart"},
		"the manager, reload":   {so: []func(*place){running, hangs}, args: "reload"},
		"a stop by hand":        {so: []func(*place){byHand, unmanaged, refuse(nil)}, args: "stop"},
		"a reload by hand":      {so: []func(*place){byHand, unmanaged, refuse(nil)}, args: "reload"},
		"a start that lasts":    {so: []func(*place){func(p *place) { p.runs(feedd, "sysv") }}, args: "await --pid 70 --starter sysv"},
		"a status that is seen": {args: "status --watch", silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				for _, so := range tt.so {
					so(p)
				}
				begun := time.Now()
				err := p.interrupted(p.machine(), strings.Fields(tt.args)...)
				if took := time.Since(begun); took != time.Second {
					t.Errorf("it ended after %v", took)
				}
				if tt.silent != (err == nil || cli.Silent(err)) || !tt.silent && cli.ExitCode(err) != 1 {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

// This includes the wait for a lock in a place that never answers (fault B).
func TestHungLock(t *testing.T) {
	hung := make(chan struct{})
	defer close(hung)
	for _, args := range []string{
		"status", "status --json", "start", "stop", "stop --manager none", "restart", "reload", "uninstall", "uninstall --purge", "await --pid 70",
	} {
		t.Run(args, func(t *testing.T) {
			p := newPlace(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			m := p.machine()
			m.Holder = func(singleton.Options) (singleton.Holder, error) {
				cancel(errors.New("interrupt signal received"))
				<-hung
				return singleton.Holder{}, singleton.ErrFree
			}
			err := p.runOn(ctx, m, strings.Fields(args)...)
			if err == nil || cli.ExitCode(err) != 1 && !cli.Silent(err) {
				t.Errorf("it ended with %v", err)
			}
			if len(p.did) > 0 {
				t.Errorf("it did %q all the same", p.did)
			}
		})
	}
}

func hangs(p *place) { p.m.fails = errHangs }

// A process that cannot be killed is reported, and so is one that does not end.
func TestStopThatCannotKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		unmanaged(p)
		byHand(p)
		p.signalled = func(_ proc.Identity, sig os.Signal) error {
			if sig == os.Kill {
				return os.ErrPermission
			}
			return nil
		}
		p.wants("stop --kill", 77, `kill "feedd": `, "signal 60 terminated", "signal 60 killed")
		p.signalled = func(proc.Identity, os.Signal) error { return nil }
		p.wants("stop --kill --timeout 5s", 1, "did not stop within 5s: killing it", "signal 60 terminated", "signal 60 killed")
	})
}
