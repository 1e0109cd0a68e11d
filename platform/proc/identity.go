// Package proc tells one process from another that has, or had, the same number.
//
// A PID alone proves nothing: the kernel hands it out again, another boot
// starts counting anew, and in each PID namespace somebody is number 1. An
// [Identity] adds what makes the difference. It is written down by one process
// and verified later by another, of the same boot or not.
//
// # Linux notes
//
// The start time is field 22 of /proc/PID/stat in clock ticks since boot, read
// directly: values computed from the wall clock move when the clock is set. The
// namespace is the inode of /proc/PID/ns/pid. These three are enough: the image is
// for people, and may be renamed, replaced or removed while it runs.
//
// # Windows notes
//
// The start time is the creation time in units of 100 ns since 1601, as the
// kernel wrote it down when the process began. It is absolute, so with the
// number it is enough: Boot says "any". Of a process that we may not open, number
// and creation time come from the list of processes, which shows them to
// everybody; its image is not known then.
//
// There are no signals: see [Identity.Signal] and [Listen].
//
// # Other systems
//
// macOS has start time and boot session id from sysctl(3), kern.proc.pid and
// kern.bootsessionuuid, and the image from kern.procargs2: the path by which it was
// executed, of our own user's processes or, for root, of all.
//
// FreeBSD 13 and later have them from kern.proc.pid, whose times of start are taken
// without the time of the boot, which moves when the clock is set, from kern.boot_id and
// kern.proc.pathname. Where the machine hides the processes of other users and jails
// (security.bsd.see_other_uids), those that we may not see count as gone. It is made for
// machines of 64 bits, by the system's headers and sources, and has yet to run on one.
//
// Elsewhere [Of] returns errors.ErrUnsupported for now.
package proc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

var (
	// ErrGone means that no process has this number (any more).
	ErrGone = errors.New("no such process")
	// ErrDeaf means that the process is there and does not [Listen].
	ErrDeaf = errors.New("it listens to nobody")
	// ErrNoProc means that /proc is not mounted on a Linux system: nothing can be
	// said of any process.
	ErrNoProc = errors.New("/proc is not mounted: mount it (mount -t proc proc /proc)")
	// ErrSquatted means that somebody else has a name of the system that is ours.
	ErrSquatted = errors.New("name is squatted")
)

// Identity is one process for all time.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`         // the unit is the platform's own, and so is what it counts from
	Boot  string `json:"boot"`          // one id per boot of the machine, where Start counts from the boot
	Space string `json:"ns,omitempty"`  // the space in which PID counts; empty where there is but one
	Exe   string `json:"exe,omitempty"` // absolute path of the image, for people; empty if we may not know
}

// Self identifies this process.
func Self() (Identity, error) { return Of(os.Getpid()) }

// Of identifies the process that has the number pid now. The error is [ErrGone]
// if there is none (a zombie counts as none: it will never run again), and
// wraps fs.ErrPermission if there is one that we are not allowed to see.
func Of(pid int) (Identity, error) {
	if pid <= 0 {
		return Identity{}, fmt.Errorf("process %d: %w", pid, ErrGone)
	}
	id, err := identify(pid)
	if err != nil {
		return Identity{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return id, nil
}

// Same reports whether both are one process, whatever it executes by now and
// whatever became of the image since it was executed: an upgrade renames or
// replaces the file under a running service.
func (id Identity) Same(other Identity) bool {
	return id.PID == other.PID && id.Start == other.Start && id.Boot == other.Boot && id.Space == other.Space
}

// SameBoot reports whether other ran since the machine was started; id is a
// process that lives now. On Windows, where the clock may have been set since,
// it is a guess: good enough for a word in a log.
func (id Identity) SameBoot(other Identity) bool {
	return id.Boot == other.Boot && sinceBoot(other)
}

// Alive reports whether this very process still runs. An error means that it
// cannot be told: the number is taken by a process that we may not see, or it
// counts in a PID namespace other than ours.
func (id Identity) Alive() (bool, error) {
	if id.PID <= 0 {
		return false, nil
	}
	here, err := surroundings()
	if err != nil {
		return false, err
	}
	return id.aliveIn(here)
}

// Census returns [Identity.Alive] for many processes: what they have in common is asked once,
// when it is first needed. Several goroutines may use it.
func Census() func(Identity) (bool, error) {
	here := sync.OnceValues(surroundings)
	return func(id Identity) (bool, error) {
		if id.PID <= 0 {
			return false, nil
		}
		here, err := here()
		if err != nil {
			return false, err
		}
		return id.aliveIn(here)
	}
}

func (id Identity) aliveIn(here Identity) (bool, error) {
	if id.Space != here.Space {
		if id.Boot != here.Boot {
			return false, nil
		}
		return false, fmt.Errorf("process %d lives in another PID namespace (%s): %w", id.PID, id.Space, fs.ErrPermission)
	}
	// One that saw the boot id that we see, and began when it did, is the one.
	now, err := beside(id.PID, here, id.Boot != here.Boot)
	switch {
	case errors.Is(err, ErrGone):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	return id.Same(now), nil
}

// Signal sends sig to this very process and to no other: it is verified after
// the kernel has given us a handle on it (os.FindProcess holds a pidfd where
// the kernel has them), so that a number reused in between is never hit. The
// error is os.ErrProcessDone if the process is gone.
//
// On Windows SIGTERM and SIGHUP are what a process that listens gets from
// [Listen]; the error is [ErrDeaf] if it does not. SIGKILL terminates it. There
// is nothing else.
func (id Identity) Signal(sig os.Signal) error {
	if err := signal(id, sig); err != nil {
		return fmt.Errorf("signal process %d: %w", id.PID, err)
	}
	return nil
}

// How often Wait polls. A process that is not our child cannot be waited for
// portably; 10 ms is less than any person or init system notices.
const pollEvery = 10 * time.Millisecond

// Wait blocks until this process is gone, and returns the cause of ctx's end
// if that comes first.
func (id Identity) Wait(ctx context.Context) error { return wait(ctx, id) }

// How many polls long an orphan that has ended is waited for. A machine that is busy
// takes its time for these, too.
const reapPolls = 500

// WaitReaped is [Identity.Wait] that goes on until the process is not even to be seen any
// more. One that has ended is, and kill(2) and pgrep(1) take it for alive, until its parent
// has taken note. It waits only for process 1, which inherits the processes of all who
// have ended and is to take note at once; for one that never does, not for long.
func (id Identity) WaitReaped(ctx context.Context) error {
	if err := id.Wait(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for range reapPolls {
		if !unreaped(id) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil // it is gone
		case <-tick.C:
		}
	}
	return nil
}

// poll is Wait where the kernel does not tell us.
func poll(ctx context.Context, id Identity) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if alive, err := id.Alive(); err != nil || !alive {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Owner is the effective user of the process that has the number pid now, as
// package os/user names users: a number, or a SID on Windows.
func Owner(pid int) (uid string, err error) {
	uid, err = owner(pid)
	if err != nil {
		return "", fmt.Errorf("owner of process %d: %w", pid, err)
	}
	return uid, nil
}
