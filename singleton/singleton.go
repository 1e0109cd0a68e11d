// Package singleton allows only one instance of a service to run, and tells everybody else
// which one it is.
//
// [Acquire] makes the caller the holder of a name, or says who holds it. A lock decides that
// the kernel releases when the holder dies, however it dies. Files only describe the holder.
// The package never trusts a PID file: a number in one is shown to people and never signalled.
//
// # Unix notes
//
// There are three files:
//
//   - StateDir/NAME.mutex is locked with flock(2) for the life of the holder. This lock decides.
//     Whoever can open a file can lock it, so only its owner can open this one (0600). Its only
//     line identifies the file itself (device and inode), and it is never removed.
//   - StateDir/NAME.lock has the holder's full identity, for everybody to read. It is emptied at
//     the end and never removed. Processes that may not open the mutex read it, and check whether
//     that very process is alive. It belongs to the holder: a user's file may name only a process
//     of that user, and root's may name any process, in the place where root's holder wrote it.
//   - Dir/NAME.pid has the PID on one line, for kill, monit and the like. It is written after the
//     mutex is locked, and removed before it is released.
//
// Any user can lock one of the latter two files, so these locks decide nothing. If another
// process has locked the PID file, it is replaced, and [Lock.Check] names that process. The
// holder locks the PID file nevertheless. This keeps out old versions without a mutex, which
// locked both files, as theirs keep us out: such a lock counts if the recorded process is
// alive. It also keeps out a second instance after somebody has removed everything in
// StateDir.
//
// On Linux, the descriptors of other processes are examined, too, unless the mutex was signed
// by a holder. So even the loss of all files at once does not admit a second instance, if
// /proc shows the first one (to the same user or root).
//
// The locks belong to the open file description and are close-on-exec, so a child that
// outlives the holder does not keep the name. NFS before Linux 2.6.12 has no flock between
// machines; two machines are two singletons.
//
// # Windows notes
//
// The three files are the same. StateDir/NAME.mutex is locked with LockFileEx and kept open,
// so that nobody can remove or replace it. It is empty, and open only to SYSTEM,
// Administrators and the users who can create files in StateDir. If others could open it, it
// is replaced, unless they prevent that, and closed to them; [Lock.Check] names them. If a
// program such as a virus scanner has it open without sharing it, the package waits for half a
// second.
//
// For each of the latter two files there is also a kernel mutex in the global namespace, which
// all sessions share. It is named after the file's path. It is never owned, because that would
// bind it to a thread, and it is open only to SYSTEM, Administrators and the holder's user. It
// keeps out old versions that use only these mutexes, as theirs keep us out: one counts if the
// recorded process is alive, or if its owner and access list are those of an instance. Anybody
// can create a mutex of that name before us. That decides nothing: [Lock.Check] reports it in
// an error that wraps proc.ErrSquatted, with its owner if that can be read, and claims the
// name once it is free.
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
	// ErrHeld means that another instance is running. The error is a [*HeldError].
	ErrHeld = errors.New("already running")
	// ErrDenied means that the caller may not open, create or lock the files.
	ErrDenied = errors.New("not permitted")
	// ErrBroken means that the files cannot be used: a directory that others can write to, a
	// link instead of a file, a full disk. The text says what to do.
	ErrBroken = errors.New("lock unusable")
	// ErrFree means that nobody holds the name.
	ErrFree = errors.New("nobody holds it")
)

// Options say which name to hold, and where.
type Options struct {
	Name     string // of the service instance, and of the files
	Dir      string // created with mode 0755 if it does not exist; may be relative to the working directory
	StateDir string // likewise; it may equal Dir, with less protection
	Origin   string // what started this process ("systemd", "by hand"); refused processes are told
	// Overlap limits the wait for the end of a holder with the same Origin. It is for managers
	// that may start the next process before the last one has ended. 0: no wait.
	Overlap time.Duration
}

// PIDFile returns the path of the file with the PID.
func (o Options) PIDFile() string { return filepath.Join(o.Dir, o.Name+".pid") }

// LockFile returns the path of the file with the holder's identity.
func (o Options) LockFile() string { return filepath.Join(o.StateDir, o.Name+".lock") }

// MutexFile returns the path of the file whose lock decides.
func (o Options) MutexFile() string { return filepath.Join(o.StateDir, o.Name+".mutex") }

// absolute checks o and makes its paths absolute, so that a later change of the working
// directory has no effect.
func (o Options) absolute() (_ Options, err error) {
	if o.Name == "" || o.Name != filepath.Base(o.Name) {
		return o, classify(o, fmt.Errorf("%q cannot be the name of a file", o.Name))
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

// A Holder is the instance that holds a name. It is zero if the lock is held but the holder
// could not be verified.
type Holder struct {
	proc.Identity
	UID    int       `json:"uid"`           // -1 on Windows
	SID    string    `json:"sid,omitempty"` // the user on Windows
	Since  time.Time `json:"since"`
	Origin string    `json:"origin"`
	// Image identifies the file that the process executes, in the form of files.Inode. Exe may
	// name another file by now. It is for people, and empty if it is unknown.
	Image string `json:"image,omitempty"`
	// Place identifies the directory of the record in the same way, followed by the name.
	Place string `json:"place,omitempty"`

	owner string // owner of the process when it was verified
}

// Signal is like [proc.Identity.Signal]. It also refuses, with fs.ErrPermission, a process
// that has changed its user since it was verified as the holder, for example by executing a
// set-uid program.
func (h Holder) Signal(sig os.Signal) error {
	if h.owner != "" {
		if now, err := proc.Owner(h.PID); err == nil && now != h.owner {
			return fmt.Errorf("signal process %d: it now belongs to user %s, and belonged to user %s: %w", h.PID, now, h.owner, fs.ErrPermission)
		}
	}
	return h.Identity.Signal(sig)
}

// Known reports whether the holder was verified: this very process held the name when it was
// probed. An unknown holder has PID 0, which must not be compared with the PID 0 of a manager
// that has no process.
func (h Holder) Known() bool { return h.PID > 0 }

func (h Holder) String() string {
	if !h.Known() {
		return "a process that cannot be identified"
	}
	return fmt.Sprintf("pid %d, user %s, since %s, started by %s, %s",
		h.PID, h.User(), h.Since.Local().Format(time.DateTime), h.StartedBy(), h.Exe)
}

// User returns the name of the holder's user, or its number (on Windows, the SID) if it has no
// name.
func (h Holder) User() string {
	if h.SID != "" {
		return userName(h.SID)
	}
	return userName(strconv.Itoa(h.UID))
}

// StartedBy returns the manager that started the holder, or "hand".
func (h Holder) StartedBy() string {
	if h.Origin == "" {
		return "hand"
	}
	return h.Origin
}

// A HeldError says who holds the name.
type HeldError struct {
	Name   string
	Holder Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%q is %v: %v", e.Name, ErrHeld, e.Holder)
}

// Unwrap makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Unwrap() error { return ErrHeld }

// Acquire makes the calling process the holder of o.Name. Otherwise it returns an error that
// is [ErrHeld], [ErrDenied] or [ErrBroken], and changes nothing that belongs to the holder. It
// takes over the files of a dead holder, whatever they contain. It may block for half a
// second, but only if another process seems to be starting or stopping, and for
// Options.Overlap.
//
// Acquire is safe for concurrent use: only one of several calls gets the name.
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

// Probe returns the holder of o.Name. The error is [ErrFree] if there is none, and [ErrDenied]
// if the caller may not find out. Probe changes nothing, and never makes a concurrent Acquire
// fail. It may block like Acquire.
//
// If the caller may not open the mutex, because the service belongs to another user, the
// record decides: a verified holder is running. If no holder is recorded, or the recorded one
// is gone, the name counts as free.
func Probe(o Options) (Holder, error) {
	o, err := o.absolute()
	if err != nil {
		return Holder{}, err
	}
	return probe(o)
}

// classify turns a system error into one of the promised errors.
func classify(o Options, err error) error {
	switch {
	case errors.Is(err, ErrHeld), errors.Is(err, ErrBroken):
		return err
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, files.ErrUntrusted):
		return fmt.Errorf("single instance of %q: %w: %w: run as a user who has access, or choose other directories", o.Name, ErrDenied, err)
	}
	return fmt.Errorf("single instance of %q: %w: %w", o.Name, ErrBroken, err)
}
