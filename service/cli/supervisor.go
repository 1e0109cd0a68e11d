package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/service/supervise"
	"github.com/holdfast-dev/holdfast/singleton"
)

// supervisorLock returns the name that a supervisor of ours holds all its life. So it can be
// found and verified like its service.
func (t *target) supervisorLock() singleton.Options {
	l := t.lock()
	l.Name += ".supervisor"
	return l
}

// supervisor returns the supervisor that would restart the service. ok is false if there is
// none.
func (t *target) supervisor(ctx context.Context) (h singleton.Holder, ok bool) {
	h, err := t.probe(ctx, t.supervisorLock())
	return h, err == nil && h.Known()
}

// supervisorOf is supervisor of a service with that holder and last run. A supervisor is the
// parent of what it has started, so a child of init has none, and neither has a service that
// does not run and whose last parent has ended. Without this, a search for one whose files were
// removed would look at the descriptors of every process on the machine.
func (t *target) supervisorOf(ctx context.Context, held singleton.Holder, last recovery.LastRun) (h singleton.Holder, ok bool) {
	if t.onlyInit(held, last) {
		// In a container, the supervisor may be the init.
		if _, err := os.Lstat(t.supervisorLock().MutexFile()); errors.Is(err, fs.ErrNotExist) {
			return singleton.Holder{}, false
		}
	}
	return t.supervisor(ctx)
}

// onlyInit reports whether no process but the init can be the supervisor.
func (t *target) onlyInit(held singleton.Holder, last recovery.LastRun) bool {
	if held.Known() {
		return t.Parent(held.PID) == 1
	}
	self, err := t.Self()
	if err != nil || last.Parent == 0 || last.Process.Space != self.Space || last.Process.Boot != self.Boot {
		return false // its number says nothing here
	}
	if last.Parent == 1 {
		return true
	}
	_, err = t.Process(last.Parent)
	return errors.Is(err, proc.ErrGone)
}

func (a *app) supervise(cmd *cobra.Command, p supervise.Parent) (err error) {
	t, err := a.targetRegardless(cmd)
	if err != nil {
		return err
	}
	// The sink is standard error, like the output of the child that does not reach its log.
	sink, err := logsink.Open(t.supervisorLock().Name, logsink.Options{Level: t.cfg.Log.Level, Format: t.cfg.Log.Format, Sink: "stderr"})
	if err != nil {
		return err
	}
	defer func() { _ = sink.Close() }() // lost last lines are no failure
	l := t.supervisorLock()
	l.Origin = p.Starter
	lock, err := singleton.Acquire(l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	p.Kept = append(supervise.Lendings(), native.TakeFiles()...)
	p.Log = func(text string, kv ...any) { sink.Logger().Warn(text, kv...) }
	left := &leavings{t: t, file: t.dirs.StateFile(l.Name), name: l.Name}
	note := func(change func(*state.State)) {
		if err := left.write(change); err != nil {
			p.Log("status cannot show its outcome", "error", err)
		}
	}
	note(func(*state.State) {}) // what an earlier supervisor has left is obsolete
	p.Waits = left.waits(note)
	p.Leaves = func(ended platform.Exit, tooOften bool) {
		note(func(s *state.State) { s.LastExit, s.PhaseSince, s.GaveUp = &ended, t.Now(), tooOften })
		left.stays = true
	}
	defer func() { err = errors.Join(err, left.remove()) }()
	code, err := p.Run(cmd.Context())
	if err == nil && code != platform.ExitOK {
		return &exitError{code}
	}
	return err
}

// The leavings are what the supervisor, which is this process, records about its child: how it
// has ended, how often it was restarted, and when it will be restarted.
type leavings struct {
	t          *target
	file, name string
	now        state.State
	stays      bool // the file outlives the supervisor
}

func (l *leavings) write(change func(*state.State)) error {
	self, err := proc.Self()
	if err != nil {
		return err
	}
	l.now.Name, l.now.Process, l.now.Phase = l.name, self, platform.PhaseFailed
	change(&l.now)
	return state.Write(l.file, l.now)
}

// waits returns the function that records each wait.
func (l *leavings) waits(note func(func(*state.State))) func(*platform.NextTry, platform.Exit) {
	return func(next *platform.NextTry, ended platform.Exit) {
		note(func(s *state.State) {
			if s.Next = next; next == nil { // the wait is over
				s.Restarts++
				return
			}
			s.LastExit, s.PhaseSince = &ended, l.t.Now()
		})
	}
}

// remove removes the file if the supervisor ends because it was asked to.
func (l *leavings) remove() error {
	if l.stays {
		return nil
	}
	if err := os.Remove(l.file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// stopAddressee returns the process to ask for a stop: the supervisor, which passes the
// request on and then restarts nothing, or else the holder. Asking both would be wrong,
// because a second request means "at once".
func (t *target) stopAddressee(ctx context.Context) (singleton.Holder, error) {
	if h, ok := t.supervisor(ctx); ok {
		return h, nil
	}
	return t.holder(ctx)
}

// toKill returns the processes to kill after a stop request has failed: the service before its
// supervisor.
func (t *target) toKill(ctx context.Context, requested singleton.Holder) []singleton.Holder {
	if h, err := t.probe(ctx, t.lock()); err == nil && h.Known() && !h.Same(requested.Identity) {
		return []singleton.Holder{h, requested}
	}
	return []singleton.Holder{requested}
}

// kill kills all holders, and returns when none is left. A service whose supervisor is killed
// as well is reaped by init, so kill waits for it last.
func (t *target) kill(ctx context.Context, holders []singleton.Holder) error {
	for _, h := range holders {
		if err := t.signal(h, "kill", os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, platform.StopMargin, platform.ErrTimeout)
	defer cancel()
	for _, h := range slices.Backward(holders) {
		if err := t.Wait(ctx, h.Identity); err != nil {
			return err
		}
	}
	return nil
}
