package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/singleton"
)

// machine is all that commands reach outside of this process and the service's
// own files. Tests hand in another one.
type machine struct {
	Manager func(name string) (platform.Manager, error) // "auto": the one that runs the machine
	System  platform.System
	Scope   func() platform.Scope // of what this process does if nobody says otherwise
	// Privileged reports whether this process may change services of its Scope.
	Privileged func() bool
	// Manifest is where the record of an installation is.
	Manifest func(platform.ID) (string, error)
	// TrialFile is where the record of a trial is.
	TrialFile func(platform.ID) (string, error)

	Holder  func(singleton.Options) (singleton.Holder, error)
	Process func(pid int) (proc.Identity, error)
	Alive   func(proc.Identity) (bool, error)
	Signal  func(singleton.Holder, os.Signal) error
	Wait    func(context.Context, proc.Identity) error // until it is not to be seen any more
	Measure func(pid int) *resources
	Memory  func(pid int) int64 // of a process, in bytes; -1: not to be seen
	// OpenFiles is how many files a process has open, and how many it may have; the
	// error is errors.ErrUnsupported where the system does not say.
	OpenFiles func(pid int) (used, most uint64, err error)
	// Suspended reports whether a process does not get to run until it is let go on.
	Suspended func(pid int) bool
	// Age is for how long a process has run by a clock that nobody sets.
	Age func(proc.Identity) (time.Duration, error)
	// Processes are those whose program is at one of these paths.
	Processes func(ctx context.Context, images []string) ([]tableEntry, error)
	Self      func() (proc.Identity, error)
	// Volume is the file system on which dir lies, and what tells it from others.
	Volume func(dir string) (v doctor.Volume, id string, err error)
	// Executes reports whether a process runs the very file at path.
	Executes func(pid int, path string) bool
	// Acquire takes a name for this process.
	Acquire func(singleton.Options) (release func() error, err error)
	// Detach begins a process that outlives this one: argv of this program, for the
	// upgrade id of a service that the manager has in that scope.
	Detach func(ctx context.Context, manager string, scope platform.Scope, id string, argv []string) error
	// Replaced reports whether there is another program by now in the place of the
	// holder's, or at program, which its manager starts.
	Replaced func(h singleton.Holder, program string) bool
	Gone     func(program string) bool // there is no file by that path
	Full     func(dir string) bool     // nothing can be written there for want of space

	Accounts accounts

	// Interrupt has the returned context end by the first request of a person or a
	// manager that the command be given up, until stop is called.
	Interrupt func(context.Context) (ctx context.Context, stop context.CancelFunc)
	Now       func() time.Time
	Monotonic func() (time.Duration, error) // the clock by which a service dates its reloads

	Program    string                 // how this process was called
	Executable func() (string, error) // its image
}

// firstSignal ends by ctrl-C or SIGTERM, and gives a second one its default action
// back, whatever the command is waiting for then.
func firstSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// thisMachine is the one that we run on.
func thisMachine() machine {
	m := machine{
		Manager: native.Manager, System: native.System{}, Scope: native.OwnScope, Manifest: native.ManifestFile, TrialFile: native.TrialFile,
		Privileged: isPrivileged,
		Holder:     singleton.Probe,
		Process:    proc.Of,
		Alive:      proc.Census(),
		Signal:     singleton.Holder.Signal,
		Wait:       func(ctx context.Context, id proc.Identity) error { return id.WaitReaped(ctx) },
		Measure:    measure,
		Memory:     memory,
		OpenFiles:  openFiles,
		Suspended:  suspended,
		Age:        proc.Identity.Age,
		Processes:  processTable,
		Self:       proc.Self,
		Volume:     volume,
		Executes:   executes,
		Acquire:    acquire,
		Replaced:   replaced,
		Gone:       gone,
		Full:       full,
		Accounts:   thisMachinesAccounts(),
		Interrupt:  firstSignal,
		Now:        time.Now, Monotonic: proc.Monotonic,
		Program: os.Args[0], Executable: os.Executable,
	}
	m.Detach = m.detach
	return m
}

func acquire(o singleton.Options) (func() error, error) {
	lock, err := singleton.Acquire(o)
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}
