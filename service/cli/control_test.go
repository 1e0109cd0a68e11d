package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// running has the manager run feedd.
func running(p *place) {
	p.runs(feedd, "fake")
	p.m.st.Phase, p.m.st.PID = platform.PhaseReady, feedd.PID
}

// byHand makes somebody else run it.
func byHand(p *place) { p.runs(other, "") }

// unnamed makes a process that cannot be identified hold the lock.
func unnamed(p *place) { p.held["feedd"] = singleton.Holder{} }

// onlyByHand is the message of a command that needs a manager where there is none. It used to
// suggest --manager, which does not help: that manager does not run there either.
const onlyByHand = "process 1 is bash: without one only `run`, `status`, `stop`, `reload`, `check` and `plan --manager NAME` work here"

// unmanaged has no manager on the machine.
func unmanaged(p *place) { p.m = nil }

// watchless is a manager that watches nothing, like SysV's scripts.
func watchless(p *place) { p.m.inventory = true }

func ends(p *place, pid int) {
	p.m.on = func(string) { p.ends(pid) }
}

func TestControl(t *testing.T) {
	const term, hup, kill = "signal 60 terminated", "signal 60 hangup", "signal 60 killed"
	for name, tt := range map[string]struct {
		so   []func(*place)
		args string
		code int
		says string
		did  []string
	}{
		"start":                              {nil, "start", 0, "", []string{"start"}},
		"start what runs":                    {[]func(*place){running}, "start", 0, "", []string{"start"}},
		"start beside one by hand":           {[]func(*place){byHand}, "start", 75, "already running: pid 60", nil},
		"start beside one who is not known":  {[]func(*place){unnamed}, "start", 75, "cannot be identified", nil},
		"start half-way":                     {[]func(*place){byHand, func(p *place) { p.m.st.Phase = platform.PhaseStopping }}, "start", 0, "", []string{"start"}},
		"start without a manager":            {[]func(*place){unmanaged}, "start", 1, onlyByHand, nil},
		"start that fails":                   {[]func(*place){func(p *place) { p.m.fails = errors.New("exit code 78") }}, "start", 1, "exit code 78", []string{"start"}},
		"start, not permitted":               {[]func(*place){func(p *place) { p.m.fails = platform.ErrPermission }}, "start", 77, "", []string{"start"}},
		"start where the manager is broken":  {[]func(*place){byHand, func(p *place) { p.m.broken = errors.New("no bus") }}, "start", 1, "no bus", nil},
		"start of what is not installed":     {[]func(*place){byHand, func(p *place) { p.m.st.Installed, p.m.fails = false, platform.ErrNotInstalled }}, "start", 1, "not installed", []string{"start"}},
		"start, watched by nobody":           {[]func(*place){watchless, func(p *place) { p.runs(feedd, "fake") }}, "start", 0, "", []string{"start"}},
		"start by hand, watched by nobody":   {[]func(*place){watchless, byHand}, "start", 75, "already running", nil},
		"start, unknown, watched by nobody":  {[]func(*place){watchless, unnamed}, "start", 75, "cannot be identified", nil},
		"start, the lock is not ours to see": {[]func(*place){func(p *place) { p.lock = singleton.ErrDenied }}, "start", 0, "", []string{"start"}},

		"restart":                       {[]func(*place){running}, "restart", 0, "", []string{"restart"}},
		"restart of one by hand":        {[]func(*place){byHand}, "restart", 0, "", []string{term, "restart"}},
		"restart beside one not known":  {[]func(*place){unnamed}, "restart", 1, "no process is signalled", nil},
		"restart without a manager":     {[]func(*place){unmanaged}, "restart", 1, onlyByHand + "; stop it and start it by hand", nil},
		"restart, not for us to signal": {[]func(*place){byHand, refuse(os.ErrPermission)}, "restart", 77, "ask as user", []string{term}},

		"stop":                             {[]func(*place){running, func(p *place) { ends(p, 70) }}, "stop", 0, "", []string{"stop"}},
		"stop of nothing":                  {nil, "stop", 0, "not running", []string{"stop"}},
		"stop of one by hand":              {[]func(*place){byHand}, "stop", 0, "", []string{"stop", term}},
		"stop without a manager":           {[]func(*place){unmanaged, byHand}, "stop", 0, "", []string{term}},
		"stop of nothing, without manager": {[]func(*place){unmanaged}, "stop", 0, "not running", nil},
		"stop that fails":                  {[]func(*place){running, func(p *place) { p.m.fails = errors.New("no bus") }}, "stop", 1, "no bus", []string{"stop"}},
		"stop of what is not installed":    {[]func(*place){byHand, func(p *place) { p.m.fails = platform.ErrNotInstalled }}, "stop", 0, "", []string{"stop", term}},
		"stop of one not known":            {[]func(*place){unnamed}, "stop", 1, "no process is signalled", []string{"stop"}},
		"stop, not permitted":              {[]func(*place){unmanaged, byHand, refuse(os.ErrPermission)}, "stop", 77, "ask as user", []string{term}},
		"stop, gone meanwhile":             {[]func(*place){unmanaged, byHand, refuse(os.ErrProcessDone)}, "stop", 0, "", []string{term}},
		"stop that hangs":                  {[]func(*place){unmanaged, byHand, refuse(nil)}, "stop", 1, "took too long: asked to stop (still there: pid 60", []string{term}},
		"stop that hangs, --kill":          {[]func(*place){unmanaged, byHand, refuse(nil)}, "stop --kill", 79, "it is gone, but did not stop in order: it did not stop within 40s and was killed", []string{term, kill}},
		"stop of the deaf":                 {[]func(*place){unmanaged, byHand, refuse(proc.ErrDeaf)}, "stop", 1, "accepts no requests", []string{term}},
		"stop, not in the time said":       {[]func(*place){running, func(p *place) { p.m.fails = errHangs }}, "stop --timeout 3s", 1, "took too long", []string{"stop"}},
		"stop of a supervised one": {[]func(*place){unmanaged, byHand, func(p *place) {
			p.held["feedd.supervisor"] = singleton.Holder{Identity: proc.Identity{PID: 50, Start: 5, Boot: "b"}}
		}}, "stop", 0, "", []string{"signal 50 terminated"}},
		"stop of a supervised one that hangs, --kill": {[]func(*place){unmanaged, byHand, refuse(nil), func(p *place) {
			p.held["feedd.supervisor"] = singleton.Holder{Identity: proc.Identity{PID: 50, Start: 5, Boot: "b"}}
		}}, "stop --kill", 79, "killing it", []string{"signal 50 terminated", kill, "signal 50 killed"}},

		"reload":                                    {[]func(*place){running}, "reload", 0, "", []string{"reload"}},
		"reload of nothing":                         {nil, "reload", 1, "not running", nil},
		"reload that is refused":                    {[]func(*place){running, func(p *place) { p.m.fails = platform.ErrRejected }}, "reload", 1, "rejected", []string{"reload"}},
		"reload, in the program's word":             {[]func(*place){running, func(p *place) { p.m.fails = platform.ErrRejected; reloaded(p, feedd, "bad port") }}, "reload", 1, "bad port", []string{"reload"}},
		"reload of one by hand":                     {[]func(*place){byHand, answers(other, "")}, "reload", 0, "", []string{hup}},
		"reload by hand, refused":                   {[]func(*place){byHand, answers(other, "bad port")}, "reload", 1, "bad port", []string{hup}},
		"reload by hand, it ends":                   {[]func(*place){byHand}, "reload", 1, "ended before it reloaded", []string{hup}},
		"reload, no answer":                         {[]func(*place){byHand, refuse(nil)}, "reload", 1, "no outcome: took too long", []string{hup}},
		"reload --no-wait":                          {[]func(*place){byHand, refuse(nil)}, "reload --no-wait", 0, "", []string{hup}},
		"reload --direct":                           {[]func(*place){running, answers(feedd, "")}, "reload --direct", 0, "", []string{"signal 70 hangup"}},
		"reload of one not known":                   {[]func(*place){unnamed}, "reload", 1, "no process is signalled", nil},
		"reload of one that only the manager knows": {[]func(*place){running, unnamed}, "reload", 0, "", []string{"reload"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				for _, so := range tt.so {
					so(p)
				}
				p.wants(tt.args, tt.code, tt.says, tt.did...)
			})
		})
	}
}

// Issue 9: start followed at once by reload. The process that the manager has started does not
// hold the lock yet, and the answer was "not running" (TestIncident5_StartThenReload on a busy
// Wine).
func TestIncident5_ReloadOfWhatOnlyBegins(t *testing.T) {
	for name, tt := range map[string]struct {
		arrives bool
		args    string
		code    int
		says    string
		did     []string
	}{
		"it takes the name":       {true, "reload", 0, "starting (1s)", []string{"reload"}},
		"it does not":             {false, "reload", 1, "took too long", nil},
		"it does not, in a while": {false, "reload --timeout 3s", 1, "is starting: took too long", nil},
		"nobody waits":            {false, "reload --no-wait", 1, "not running", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				p.m.st.Phase, p.m.st.PID = platform.PhaseStarting, feedd.PID
				m, begun := p.machine(), time.Now()
				m.Holder = func(singleton.Options) (singleton.Holder, error) {
					if !tt.arrives || time.Since(begun) < 2*time.Second {
						return singleton.Holder{}, singleton.ErrFree
					}
					return singleton.Holder{Identity: feedd, UID: os.Geteuid(), Origin: "fake"}, nil
				}
				err := p.runOn(t.Context(), m, strings.Fields(tt.args)...)
				if code := cli.ExitCode(err); code != tt.code || !slices.Equal(p.did, tt.did) || !strings.Contains(fmt.Sprint(err, p.errs.String()), tt.says) {
					t.Errorf("exit code %d, did %q, said %v\n%s", code, p.did, err, p.errs.String())
				}
			})
		})
	}
}

// refuse makes SIGTERM and SIGHUP return err, and end no process.
func refuse(err error) func(*place) {
	return func(p *place) {
		p.signalled = func(id proc.Identity, sig os.Signal) error {
			if sig == syscall.SIGKILL {
				p.ends(id.PID)
				return nil
			}
			return err
		}
	}
}

// reloaded makes the state file report a reload that was requested just now.
func reloaded(p *place, id proc.Identity, err string) {
	p.writes(id, platform.PhaseReady, func(s *state.State) { s.Reloads = state.Reloads{Completed: 1, LastStart: 11, LastError: err} })
}

// answers makes a signal lead to a reload.
func answers(id proc.Identity, err string) func(*place) {
	return func(p *place) {
		p.signalled = func(proc.Identity, os.Signal) error {
			time.AfterFunc(time.Second, func() { reloaded(p, id, err) })
			return nil
		}
	}
}

// A wait is reported after a second, with the text of the state file, and without a terminal
// every ten seconds.
func TestLongWaitsSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		running(p)
		p.writes(feedd, platform.PhaseStarting, func(s *state.State) { s.StatusText = "reading 3 of 7" })
		p.m.on = func(string) { time.Sleep(22 * time.Second) }
		p.wants("start", 0, "starting: reading 3 of 7 (1s)\nstarting: reading 3 of 7 (11s)\nstarting: reading 3 of 7 (21s)\n", "start")
	})
}

// A forced stop of a supervised service waited only for the supervisor. The service, killed a
// moment earlier, could still exist (TestScriptsForcedStop/sysvinit/supervised).
func TestForcedStopLeavesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		unmanaged(p)
		byHand(p)
		supervisor := proc.Identity{PID: 50, Start: 5, Boot: "b"}
		p.held["feedd.supervisor"] = singleton.Holder{Identity: supervisor}
		p.signalled = func(id proc.Identity, sig os.Signal) error {
			if sig == syscall.SIGKILL {
				time.AfterFunc(map[int]time.Duration{50: time.Millisecond, 60: 3 * time.Second}[id.PID], func() { p.ends(id.PID) })
			}
			return nil
		}
		m := p.machine()
		m.Wait = func(ctx context.Context, id proc.Identity) error {
			for !p.isGone(id.PID) && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return context.Cause(ctx)
		}
		err := p.runOn(t.Context(), m, "stop", "--kill")
		if cli.ExitCode(err) != platform.ExitNotInOrder || !p.isGone(50) || !p.isGone(60) {
			t.Errorf("%v; the supervisor is gone: %v, the service: %v", err, p.isGone(50), p.isGone(60))
		}
	})
}
