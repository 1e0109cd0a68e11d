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
// namespace is the inode of /proc/PID/ns/pid.
//
// # Other systems
//
// macOS has start time and boot session id from sysctl(3), kern.proc.pid and
// kern.bootsessionuuid, and the image from kern.procargs2: the path by which it was
// executed, of our own user's processes or, for root, of all. Elsewhere [Of]
// returns errors.ErrUnsupported for now.
package proc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrGone means that no process has this number (any more).
var ErrGone = errors.New("no such process")

// Identity is one process for all time.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`         // since boot; the unit is the platform's own
	Boot  string `json:"boot"`          // one id per boot of the machine
	Space string `json:"ns,omitempty"`  // the space in which PID counts; empty where there is but one
	Exe   string `json:"exe,omitempty"` // absolute path of the image; empty if we may not know
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

// Same tells whether both are one process. An image that is not known on one
// side proves nothing against it.
func (id Identity) Same(other Identity) bool {
	return id.PID == other.PID && id.Start == other.Start && id.Boot == other.Boot && id.Space == other.Space &&
		(id.Exe == "" || other.Exe == "" || id.Exe == other.Exe)
}

// Alive tells whether this very process still runs. An error means that it
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
	if id.Space != here.Space {
		if id.Boot != here.Boot {
			return false, nil
		}
		return false, fmt.Errorf("process %d lives in another PID namespace (%s): %w", id.PID, id.Space, fs.ErrPermission)
	}
	now, err := Of(id.PID)
	switch {
	case errors.Is(err, ErrGone):
		return false, nil
	case err != nil:
		return false, err
	}
	return id.Same(now), nil
}

// Signal sends sig to this very process and to no other: it is verified after
// the kernel has given us a handle on it (os.FindProcess holds a pidfd where
// the kernel has them), so that a number reused in between is never hit. The
// error is os.ErrProcessDone if the process is gone.
func (id Identity) Signal(sig os.Signal) error {
	p, err := os.FindProcess(id.PID)
	if err != nil {
		return fmt.Errorf("signal process %d: %w", id.PID, err)
	}
	defer func() { _ = p.Release() }()
	alive, err := id.Alive()
	if err == nil && !alive {
		err = os.ErrProcessDone
	}
	if err == nil {
		err = p.Signal(sig)
	}
	if err != nil {
		return fmt.Errorf("signal process %d: %w", id.PID, err)
	}
	return nil
}

// How often Wait looks. A process that is not our child cannot be waited for
// portably; 10 ms is less than any person or init system notices.
const pollEvery = 10 * time.Millisecond

// Wait blocks until this process is gone, and returns the cause of ctx's end
// if that comes first.
func (id Identity) Wait(ctx context.Context) error {
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

// Owner is the effective user of the process that has the number pid now.
func Owner(pid int) (uid int, err error) {
	uid, err = owner(pid)
	if err != nil {
		return 0, fmt.Errorf("owner of process %d: %w", pid, err)
	}
	return uid, nil
}
