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
	"github.com/holdfast-dev/holdfast/singleton"
)

// machine is all that commands reach outside of this process and the service's
// own files. Tests hand in another one.
type machine struct {
	Manager func(name string) (platform.Manager, error) // "auto": the one that runs the machine
	System  platform.System
	Scope   func() platform.Scope // of what this process does if nobody says otherwise
	// Manifest is where the record of an installation is.
	Manifest func(platform.ID) (string, error)

	Holder  func(singleton.Options) (singleton.Holder, error)
	Process func(pid int) (proc.Identity, error)
	Alive   func(proc.Identity) (bool, error)
	Signal  func(singleton.Holder, os.Signal) error
	Wait    func(context.Context, proc.Identity) error // until it is not to be seen any more
	Measure func(pid int) *resources
	// Replaced reports whether there is another program by now in the place of the
	// holder's, or at program, which its manager starts.
	Replaced func(h singleton.Holder, program string) bool
	Gone     func(program string) bool // there is no file by that path

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
	return machine{
		Manager: native.Manager, System: native.System{}, Scope: native.OwnScope, Manifest: native.ManifestFile,
		Holder:    singleton.Probe,
		Process:   proc.Of,
		Alive:     proc.Identity.Alive,
		Signal:    singleton.Holder.Signal,
		Wait:      func(ctx context.Context, id proc.Identity) error { return id.WaitReaped(ctx) },
		Measure:   measure,
		Replaced:  replaced,
		Gone:      gone,
		Accounts:  thisMachinesAccounts(),
		Interrupt: firstSignal,
		Now:       time.Now, Monotonic: proc.Monotonic,
		Program: os.Args[0], Executable: os.Executable,
	}
}
