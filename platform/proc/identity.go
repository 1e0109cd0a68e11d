// Package proc distinguishes processes that have, or had, the same number.
//
// A PID alone proves nothing. The kernel reuses it, each boot counts anew, and every PID
// namespace has a process 1. An [Identity] adds what distinguishes such processes. One process
// writes it down, and another process verifies it later, even after a reboot.
//
// # Linux notes
//
// The start time is field 22 of /proc/PID/stat in clock ticks since boot, read directly,
// because values computed from the wall clock change when the clock is set. The namespace is
// the inode of /proc/PID/ns/pid. PID, start time, boot and namespace are enough. The image is
// only for people, because the file may be renamed, replaced or removed while it runs.
//
// # Windows notes
//
// The start time is the creation time in units of 100 ns since 1601, as the kernel recorded it
// when the process began. It is absolute, so PID and start time are enough, and Boot is always
// "any". For a process that we may not open, PID and creation time come from the list of
// processes, which everybody may read. Its image is then unknown.
//
// Windows has no signals: see [Identity.Signal] and [Listen].
//
// # Other systems
//
// On macOS, start time and boot session id come from sysctl(3), kern.proc.pid and
// kern.bootsessionuuid. The image comes from kern.procargs2, which has the path by which the
// process was executed. Only root can read it for processes of other users.
//
// On FreeBSD 13 and later, they come from kern.proc.pid, kern.boot_id and kern.proc.pathname.
// The kernel's start times include the boot time, which changes when the clock is set, so it
// is subtracted. If the machine hides processes of other users and jails
// (security.bsd.see_other_uids), hidden processes count as gone. This code is written for
// 64-bit machines from the system's headers and sources, and has not yet run on one.
//
// On other systems [Of] returns errors.ErrUnsupported.
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
	// ErrGone means that no process has this number, or no longer.
	ErrGone = errors.New("no such process")
	// ErrDeaf means that the process exists, but does not [Listen].
	ErrDeaf = errors.New("it accepts no requests")
	// ErrNoProc means that /proc is not mounted on a Linux system, so nothing is known of any
	// process.
	ErrNoProc = errors.New("/proc is not mounted: mount it (mount -t proc proc /proc)")
	// ErrSquatted means that another process has created a system object with our name.
	ErrSquatted = errors.New("another program has taken its name")
)

// An Identity identifies one process for all time.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`         // start time; unit and origin depend on the platform
	Boot  string `json:"boot"`          // id of the machine's boot, if Start counts from the boot
	Space string `json:"ns,omitempty"`  // PID namespace; empty if the system has only one
	Exe   string `json:"exe,omitempty"` // absolute path of the image, for people; empty if unknown
}

// Self returns the identity of this process. It does not change, so only the first call asks the
// system, unless that fails.
func Self() (Identity, error) {
	id, err := self()
	if err != nil {
		return askSelf()
	}
	return id, nil
}

var self = sync.OnceValues(askSelf)

func askSelf() (Identity, error) { return Of(os.Getpid()) }

// Of returns the identity of the process that has the number pid now. The error is [ErrGone]
// if there is none. A zombie counts as none, because it will never run again. The error wraps
// fs.ErrPermission if we may not see the process.
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

// Same reports whether both are the same process. It does not compare the image, because an
// upgrade renames or replaces the file of a running service.
func (id Identity) Same(other Identity) bool {
	return id.PID == other.PID && id.Start == other.Start && id.Boot == other.Boot && id.Space == other.Space
}

// SameBoot reports whether other started in the boot in which id, a living process, runs. On
// Windows, where the clock may have been set meanwhile, the answer is a guess that is good
// enough for a log message.
func (id Identity) SameBoot(other Identity) bool {
	return id.Boot == other.Boot && sinceBoot(other)
}

// Alive reports whether this process still runs. An error means that this cannot be
// determined: the number belongs to a process that we may not see, or the process is in
// another PID namespace.
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

// Census returns a function that does the same as [Identity.Alive], for use with many
// processes. What these have in common is queried only once, at the first call. The function
// may be called by several goroutines.
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
	// If the process sees our boot id and has the same start time, it is the same process.
	now, err := beside(id.PID, here, id.Boot != here.Boot)
	switch {
	case errors.Is(err, ErrGone):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	return id.Same(now), nil
}

// Signal sends sig to this process and to no other. It verifies the identity after the kernel
// has provided a handle (os.FindProcess holds a pidfd if the kernel has them), so it cannot
// hit a process that has reused the number. The error is os.ErrProcessDone if the process is
// gone.
//
// On Windows, SIGTERM and SIGHUP are delivered through [Listen]. The error is [ErrDeaf] if the
// process does not listen. SIGKILL terminates the process. Other signals do not exist there.
func (id Identity) Signal(sig os.Signal) error {
	if err := signal(id, sig); err != nil {
		return fmt.Errorf("signal process %d: %w", id.PID, err)
	}
	return nil
}

// pollEvery is the polling interval of Wait. There is no portable way to wait for a process
// that is not our child. Neither people nor init systems notice 10 ms.
const pollEvery = 10 * time.Millisecond

// Wait blocks until this process is gone. It returns the cause of ctx's end if that comes
// first.
func (id Identity) Wait(ctx context.Context) error { return wait(ctx, id) }

// reapPolls limits the polls for an ended orphan to disappear. A busy machine needs more time
// for each poll, too.
const reapPolls = 500

// WaitReaped is like [Identity.Wait], but also waits until the process has been reaped. Until
// then kill(2) and pgrep(1) treat it as alive. WaitReaped waits only for process 1, which
// inherits orphans and should reap them at once, and only for a limited time.
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
			return nil // the process is gone
		case <-tick.C:
		}
	}
	return nil
}

// poll implements Wait on systems whose kernel does not notify us.
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

// Owner returns the effective user of the process that has the number pid now, as a user ID of
// package os/user: a number, or a SID on Windows.
func Owner(pid int) (uid string, err error) {
	uid, err = owner(pid)
	if err != nil {
		return "", fmt.Errorf("owner of process %d: %w", pid, err)
	}
	return uid, nil
}
