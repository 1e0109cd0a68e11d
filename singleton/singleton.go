// Package singleton lets one instance of a service run, and tells everybody
// else which one it is.
//
// [Acquire] either makes the caller the holder of a name or says who holds it.
// What decides is a lock that the kernel drops when the holder dies, however it
// dies; files only describe the holder. No PID file is ever believed: a number
// found in one is shown to people and never signalled.
//
// # Unix notes
//
// There are three files:
//
//   - StateDir/NAME.mutex is locked with flock(2) for the life of the holder, which
//     decides. Whoever can open a file can lock it, so it is for its owner alone
//     (0600). Its only line names the file itself (device and inode), and it is
//     never removed.
//   - StateDir/NAME.lock holds the holder's full identity, for everybody to read. It
//     is emptied at the end and never removed. Who may not open the mutex finds
//     out from it, and from whether that very process lives. It belongs to the holder:
//     a user's names a process of his, and root's any, where root's holder wrote it.
//   - Dir/NAME.pid holds the PID on one line, for kill, monit and their like. It
//     is written after the mutex is held and removed before it is released.
//
// A lock on one of the latter two, which any user may take, decides nothing: a PID
// file that somebody else has locked is replaced, and [Lock.Check] names him. We do
// lock the PID file. That refuses versions which knew no mutex, and locked both,
// as theirs refuse us: a lock counts where the recorded process lives. It also
// keeps a second instance out when somebody removes everything in StateDir.
//
// On Linux, where the mutex is not one that a holder has signed so, the processes'
// descriptors are looked through as well: even the loss of all files at once does not let
// a second instance in, where /proc shows the first (the same user, or root).
//
// Locks belong to the open file description and are close-on-exec: a child that
// outlives the holder does not keep the name. NFS before Linux 2.6.12 has no
// flock between machines; two machines are two singletons.
//
// # Windows notes
//
// The three files are the same. StateDir/NAME.mutex is locked with LockFileEx, and
// open as long as that is held, so that nobody can remove or replace it. It is for
// SYSTEM, Administrators and whoever may make files in StateDir; it is empty. One
// that others could open is replaced, if none of them prevents it, and closed to
// them, and [Lock.Check] names them. A program that has it open without sharing
// it, such as a virus scanner, is waited for, for half a second.
//
// For each of the latter two files there is a mutex of the global namespace, too,
// which all sessions share, named after the file's path. It is never owned, as that
// would bind it to a thread, and it is for SYSTEM, Administrators and the holder's
// user alone. It refuses versions that have only these, as theirs refuse us: one
// counts where the recorded process lives, or where owner and access list are an
// instance's. Anybody can make a mutex of that name before us. That decides nothing:
// [Lock.Check] names it in an error that wraps proc.ErrSquatted, with its owner
// where that can be read, and claims the name when he is gone.
package singleton

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
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
	Dir      string // created 0755 if it is not there; a relative path counts from the working directory
	StateDir string // likewise. It may be Dir, with less protection.
	Origin   string // how we were started ("systemd", "by hand"), for whoever is refused
	// Overlap is how long to wait for the end of a holder of the same Origin, for a
	// manager that may start the next process before the last one is gone. 0: not
	// at all.
	Overlap time.Duration
}

// PIDFile is the path of the file with the PID.
func (o Options) PIDFile() string { return filepath.Join(o.Dir, o.Name+".pid") }

// LockFile is the path of the file with the holder's identity.
func (o Options) LockFile() string { return filepath.Join(o.StateDir, o.Name+".lock") }

// MutexFile is the path of the file whose lock decides.
func (o Options) MutexFile() string { return filepath.Join(o.StateDir, o.Name+".mutex") }

// absolute checks o once, at entry: what we find there must not depend on where
// the process goes later.
func (o Options) absolute() (_ Options, err error) {
	if o.Name == "" || o.Name != filepath.Base(o.Name) {
		return o, classify(o, fmt.Errorf("%q is no name for files", o.Name))
	}
	for _, dir := range []*string{&o.Dir, &o.StateDir} {
		if *dir == "" {
			return o, classify(o, errors.New("a directory is missing"))
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return o, classify(o, err)
		}
	}
	return o, nil
}

// Holder is the instance that holds a name. Where the lock is held but nobody
// could be verified as its holder, all is zero.
type Holder struct {
	proc.Identity
	UID    int       `json:"uid"`           // -1 on Windows
	SID    string    `json:"sid,omitempty"` // the user on Windows
	Since  time.Time `json:"since"`
	Origin string    `json:"origin"`
	// Image is the file that it executes, as files.Inode has it: what is at Exe by
	// now may be another one. It is for people, and empty where it is not known.
	Image string `json:"image,omitempty"`
	// Place is the directory of the record, likewise, and the name that is held.
	Place string `json:"place,omitempty"`

	owner string // of the process when it was verified
}

// Signal is [proc.Identity.Signal]; it also refuses, with fs.ErrPermission, a
// process that has come to belong to another user since it was verified as the
// holder: one that has executed a set-uid program, for one.
func (h Holder) Signal(sig os.Signal) error {
	if h.owner != "" {
		if now, err := proc.Owner(h.PID); err == nil && now != h.owner {
			return fmt.Errorf("signal process %d: it has become user %s's, and was user %s's: %w", h.PID, now, h.owner, fs.ErrPermission)
		}
	}
	return h.Identity.Signal(sig)
}

// Known reports whether the holder was verified: this process, and no other with
// its number, held the name when it was probed. One that is not known has PID 0,
// which is no process's: it must not be compared with that of a manager that
// has none.
func (h Holder) Known() bool { return h.PID > 0 }

func (h Holder) String() string {
	if !h.Known() {
		return "a process that cannot be identified"
	}
	return fmt.Sprintf("pid %d, user %s, since %s, started by %s, %s",
		h.PID, h.User(), h.Since.Local().Format(time.DateTime), h.StartedBy(), h.Exe)
}

// User is the name of the holder's user, or the number (on Windows, the SID) if
// it has no name.
func (h Holder) User() string {
	if h.SID != "" {
		return userName(h.SID)
	}
	return userName(strconv.Itoa(h.UID))
}

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
// seen half-way through starting or stopping, and for Options.Overlap.
//
// Several goroutines may call it; the same name is then held once.
func Acquire(o Options) (*Lock, error) {
	o, err := o.absolute()
	if err != nil {
		return nil, err
	}
	overlap, cancel := context.WithTimeout(context.Background(), o.Overlap)
	defer cancel()
	for {
		l, err := acquire(o)
		held, refused := errors.AsType[*HeldError](err)
		if !refused || !held.Holder.Known() || o.Origin == "" || held.Holder.Origin != o.Origin {
			return l, err
		}
		if overlap.Err() != nil || held.Holder.Wait(overlap) != nil {
			return l, err
		}
	}
}

// Probe returns who holds o.Name. The error is [ErrFree] if nobody does,
// [ErrDenied] if we may not find out. It changes nothing and never makes an
// Acquire that happens at the same time fail; it may wait as Acquire does.
//
// For those who may not open the mutex (another user's service) the record
// decides: a holder that is verified runs, and where none is recorded, or the
// recorded one is gone, nobody is taken to hold the name.
func Probe(o Options) (Holder, error) {
	o, err := o.absolute()
	if err != nil {
		return Holder{}, err
	}
	return probe(o)
}

// classify puts an error of the system into one of the promised kinds.
func classify(o Options, err error) error {
	switch {
	case errors.Is(err, ErrHeld), errors.Is(err, ErrBroken):
		return err
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, files.ErrUntrusted):
		return fmt.Errorf("single instance of %q: %w: %w: run as a user who may, or choose other directories", o.Name, ErrDenied, err)
	}
	return fmt.Errorf("single instance of %q: %w: %w", o.Name, ErrBroken, err)
}
