package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A machine has everything that commands use outside of this process and the service's own
// files. Tests use another one.
type machine struct {
	Manager func(name string) (platform.Manager, error) // "auto": the one that runs the machine
	System  platform.System
	Scope   func() platform.Scope // the scope of this process by default
	// Privileged reports whether this process may change services of its Scope.
	Privileged func() bool
	// Manifest returns the path of the record of an installation.
	Manifest func(platform.ID) (string, error)
	// TrialFile returns the path of the record of a trial.
	TrialFile func(platform.ID) (string, error)

	Holder  func(singleton.Options) (singleton.Holder, error)
	Process func(pid int) (proc.Identity, error)
	Alive   func(proc.Identity) (bool, error)
	Signal  func(singleton.Holder, os.Signal) error
	Wait    func(context.Context, proc.Identity) error // until the process is no longer visible
	Measure func(pid int) *resources
	Memory  func(pid int) int64 // of a process, in bytes; -1: not known
	Parent  func(pid int) int   // of a process; 0: not known
	// OpenFiles returns how many files a process has open, and how many it may open. The error
	// is errors.ErrUnsupported if the system does not say.
	OpenFiles func(pid int) (used, most uint64, err error)
	// Suspended reports whether a process is stopped until somebody resumes it.
	Suspended func(pid int) bool
	// Age returns for how long a process has run, by a clock that nobody sets.
	Age func(proc.Identity) (time.Duration, error)
	// Processes returns the processes whose program is at one of these paths.
	Processes func(ctx context.Context, images []string) ([]tableEntry, error)
	Self      func() (proc.Identity, error)
	// Volume returns the file system of dir, and an id that distinguishes it from others.
	Volume func(dir string) (v doctor.Volume, id string, err error)
	// Executes reports whether a process runs exactly the file at path.
	Executes func(pid int, path string) bool
	// Acquire takes a name for this process.
	Acquire func(singleton.Options) (release func() error, err error)
	// Detach starts a process that outlives this one. It runs argv with this program, for the
	// upgrade id of a service under manager in scope.
	Detach func(ctx context.Context, manager string, scope platform.Scope, id string, argv []string) error
	// Replaced reports whether another program is now at the path of the holder's program, or
	// at program, which its manager starts.
	Replaced func(h singleton.Holder, program string) bool
	Gone     func(program string) bool // no file has that path
	Full     func(dir string) bool     // no space is left there

	Accounts accounts

	// Interrupt returns a context that ends at the first request of a person or manager to
	// give up the command, until stop is called.
	Interrupt func(context.Context) (ctx context.Context, stop context.CancelFunc)
	Now       func() time.Time
	Monotonic func() (time.Duration, error) // the clock by which a service dates its reloads

	Program    string                 // how this process was called
	Executable func() (string, error) // the path of its image
}

// firstSignal returns a context that ends with ctrl-C or SIGTERM. A second signal then has its
// default action, whatever the command is waiting for.
func firstSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// looking makes everything that cmd asks the machine part of one look, until done is called: see
// [native.Look].
func looking(cmd *cobra.Command) (done func()) {
	outer := cmd.Context()
	cmd.SetContext(native.Look(outer))
	return func() { cmd.SetContext(outer) }
}

// thisMachine returns the machine that we run on.
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
		Parent:     proc.Parent,
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
