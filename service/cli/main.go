package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/internal/hangup"
)

// Main runs the command that os.Args names and returns the exit code of the
// process. It blocks until the command is done; for `run`, that is the whole
// life of prog.
//
// A SIGHUP does not kill the commands that managers start, and counts for nothing
// until [service.Run] listens: the configuration is yet to be read. It ends any
// other command, as ever. For `run`, and for whatever systemd started, that begins
// before main, right after package os is initialised; call Main within two seconds,
// or a SIGHUP kills again, one that came meanwhile included. The time before, in
// which Go itself starts, no library can protect. Build with CGO_ENABLED=0: loading
// libc for package net takes longer than the rest of the start. No reload of ours
// comes in that time: it goes to who holds the lock. What a manager starts by
// `spawn` (SysV, OpenRC) ignores SIGHUP from exec on, and systemd starts again what
// a SIGHUP killed. What remains is who takes the process's number from elsewhere,
// as `systemctl kill` and pkill do.
func Main(cfg service.Config, prog service.Program) int {
	held := hangup.Take() // first: what is not held already kills until then
	a := newTrunk(thisMachine().with(cfg.Fallback), cfg, prog, "q")
	if !a.runs(os.Args[1:]) {
		a.grow()
	}
	a.hangup = held
	a.root.SetArgs(os.Args[1:])
	a.root.SilenceErrors = true // printed here, once, in our own form
	cmd, err := a.root.ExecuteContextC(context.Background())
	code := a.exitCode(err)
	printError(a.root, cmd, err, code)
	return code
}

// Command is the command tree of the service, named after it, to be mounted into
// a bigger one, at any depth and under any name: what is installed calls it where
// it stands. The host's own persistent hooks run for its commands as well. All
// that is left to the host's main is one line:
//
//	os.Exit(cli.Execute(root))
//
// or, where the host wants to see the error itself,
//
//	os.Exit(cli.ExitCode(root.Execute()))
//
// with which a command of the host's that does not exist ends with 1, as cobra does
// not say what it refused.
//
// The host's persistent flags that an install is given (`acme --profile x agent
// install`) are in every command line that is installed, where they were: behind the
// command that has them. They are kept for later installs like what install itself is
// told, until those are given another value, or --no-host-flags. So a path in one has
// to be absolute, and a secret does not belong there: definitions can be read by all.
//
// There cobra prints an error as it prints the host's own ("Error: ...", once and
// without the usage), or the host does, where it has cobra be silent; [Silent]
// says of which there is nothing to print.
func Command(cfg service.Config, prog service.Program) *cobra.Command {
	return newApp(thisMachine().with(cfg.Fallback), cfg, prog).root
}

// ExitCode maps the error of a command to the exit code that this package
// promises.
func ExitCode(err error) int {
	var exit *exitError
	var bad *usageError
	var classed *classedError
	var failed *platform.FailedError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &classed):
		return classed.code
	case errors.As(err, &failed) && failed.Code != 0:
		return failed.Code
	case errors.Is(err, service.ErrConfig): // also where it is a name that no unit can have
		return service.ExitCode(err)
	case errors.As(err, &bad), misused(err), errors.Is(err, platform.ErrUnsupported):
		return platform.ExitUsage
	case errors.Is(err, platform.ErrBadUnit):
		return platform.ExitBadConfig
	}
	return service.ExitCode(err)
}

// Silent reports whether all about err has been said: it is but an exit code, or
// the service's log has it.
func Silent(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) || service.Logged(err)
}

// exitCode is ExitCode, where what went wrong before a command began was cobra
// refusing the command line.
func (a *app) exitCode(err error) int {
	if err != nil && !a.begun {
		return platform.ExitUsage
	}
	return ExitCode(err)
}
