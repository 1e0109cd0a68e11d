// Package singleton lets one instance of a service run, and tells everybody
// else which one it is.
//
// [Acquire] either makes the caller the holder of a name or says who holds it.
// The verdict is a lock that the kernel drops when the holder dies, however it
// dies; files only describe the holder. No PID file is ever believed: a number
// found in one is shown to people and never signalled.
//
// # Unix notes
//
// Two files are locked with flock(2) for the life of the holder:
//
//   - Dir/NAME.pid holds the PID on one line, for kill, monit and their like. It
//     is written after the lock is held and removed before it is released.
//   - StateDir/NAME.lock holds the holder's full identity and is never removed.
//     Who is refused reads it. It also keeps a second instance out when
//     somebody removes everything in Dir, which undoes a lock on a PID file. Its
//     last line names the file itself (device and inode).
//
// On Linux, where the lock file is not one that a holder has signed so, the
// kernel's list of locks is read as well: even the loss of both files at once
// does not let a second instance in, where /proc shows the first (the same
// user, or root).
//
// Locks belong to the open file description and are close-on-exec: a child that
// outlives the holder does not keep the name. NFS before Linux 2.6.12 has no
// flock between machines; two machines are two singletons.
//
// # Other systems
//
// Elsewhere Acquire and Probe return errors.ErrUnsupported for now.
package singleton

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

var (
	// ErrHeld means that another instance runs. The error is a [*HeldError].
	ErrHeld = errors.New("already running")
	// ErrDenied means that we may not open, create or lock the files.
	ErrDenied = errors.New("not permitted")
	// ErrBroken means that the files cannot be used: a directory that others can
	// write, a link instead of a file, a full disk. The text says what to do.
	ErrBroken = errors.New("lock unusable")
	// ErrFree means that nobody holds the name.
	ErrFree = errors.New("nobody holds it")
)

// Options say which name is to be held, and where.
type Options struct {
	Name     string // of the service instance; also of the files
	Dir      string // absolute; created 0755 if it is not there
	StateDir string // absolute; likewise. It may be Dir, with less protection.
	Origin   string // how we were started ("systemd", "by hand"), for whoever is refused
}

// PIDFile is the path of the file with the PID.
func (o Options) PIDFile() string { return filepath.Join(o.Dir, o.Name+".pid") }

// LockFile is the path of the file with the holder's identity.
func (o Options) LockFile() string { return filepath.Join(o.StateDir, o.Name+".lock") }

// Holder is the instance that holds a name. Where the lock is held but nobody
// could be verified as its holder, all is zero.
type Holder struct {
	proc.Identity
	UID    int       `json:"uid"`
	Since  time.Time `json:"since"`
	Origin string    `json:"origin"`
}

// Known tells whether the holder was verified: this process, and no other with
// its number, held the name when we looked.
func (h Holder) Known() bool { return h.PID > 0 }

func (h Holder) String() string {
	if !h.Known() {
		return "a process that cannot be identified"
	}
	return fmt.Sprintf("pid %d, user %s, since %s, started by %s, %s",
		h.PID, h.User(), h.Since.Local().Format(time.DateTime), h.StartedBy(), h.Exe)
}

// User is the name of the holder's user, or the number if it has no name.
func (h Holder) User() string { return userName(h.UID) }

// StartedBy is the manager that started the holder, or "hand".
func (h Holder) StartedBy() string {
	if h.Origin == "" {
		return "hand"
	}
	return h.Origin
}

// HeldError says who holds the name.
type HeldError struct {
	Name   string
	Holder Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%q is %v: %v", e.Name, ErrHeld, e.Holder)
}

// Unwrap makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Unwrap() error { return ErrHeld }

// Acquire makes the calling process the holder of o.Name, or fails with an
// error that is [ErrHeld], [ErrDenied] or [ErrBroken]. It touches nothing of a
// holder's. Files that a dead holder left, whatever they contain, are taken
// over. It may wait for half a second, but only while another process is
// seen half-way through starting or stopping.
//
// Several goroutines may call it; the same name is then held once.
func Acquire(o Options) (*Lock, error) { return acquire(o) }

// Probe tells who holds o.Name. The error is [ErrFree] if nobody does,
// [ErrDenied] if we may not look. It changes nothing and never makes an Acquire
// that happens at the same time fail; it may wait as Acquire does.
func Probe(o Options) (Holder, error) { return probe(o) }
