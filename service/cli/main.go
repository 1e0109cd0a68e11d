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

// Main runs the command in os.Args and returns the exit code of the process. It blocks until
// the command is done; for `run`, this is the whole life of prog.
//
// SIGHUP does not kill a command that a manager starts. It has no effect until [service.Run]
// listens, because the configuration has not been read yet. SIGHUP ends every other command,
// as usual. For `run`, and for every command that systemd starts, the protection begins before
// main, right after the initialisation of package os. Call Main within two seconds. Otherwise
// a SIGHUP kills again, including one that arrived in the meantime.
//
// No library can protect the time before, in which Go itself starts. Build with CGO_ENABLED=0,
// because loading libc for package net takes longer than the rest of the start. A reload by
// one of our commands cannot arrive in that time, because it goes to the holder of the lock. A
// process that a manager starts by `spawn` (SysV, OpenRC) ignores SIGHUP from exec on, and
// systemd restarts a process that SIGHUP killed. What remains is a sender that gets the PID
// from elsewhere, such as `systemctl kill` and pkill.
func Main(cfg service.Config, prog service.Program) int {
	held := hangup.Take() // first, because until then a SIGHUP that is not held kills
	a := newTrunk(thisMachine().with(cfg.Fallback), &cfg, prog, "q")
	if !a.runs(os.Args[1:]) {
		a.grow()
	}
	a.hangup = held
	a.root.SetArgs(os.Args[1:])
	a.root.SilenceErrors = true // the error is printed below, once, in our own form
	cmd, err := a.root.ExecuteContextC(context.Background())
	code := a.exitCode(err)
	printError(a.root, cmd, err, code)
	return code
}

// Command returns the command tree of the service. The tree is named after the service and can
// be mounted into a bigger one, at any depth and under any name. The installed definition
// calls it at its place. The host's persistent hooks also run for its commands. The host's
// main then ends with one line:
//
//	os.Exit(cli.Execute(root))
//
// If the host wants to see the error itself, use this line instead:
//
//	os.Exit(cli.ExitCode(root.Execute()))
//
// Then an unknown command of the host exits with 1, because cobra does not say what it
// refused.
//
// If the host's persistent flags are given to an install (`acme --profile x agent install`),
// every installed command line has them at their place, after the command that owns them.
// Later installs keep them like install's own flags, until they get another value, or
// --no-host-flags. So a path in such a flag must be absolute, and it must not contain a
// secret: everybody can read definitions.
//
// With root.Execute, cobra prints an error like the host's own ("Error: ...", once and without
// the usage). If the host has silenced cobra, the host prints it. [Silent] reports which
// errors need no message.
func Command(cfg service.Config, prog service.Program) *cobra.Command {
	return newApp(thisMachine().with(cfg.Fallback), cfg, prog).root
}

// CommandFor is like [Command], for a host that knows the arguments that follow the name of the
// tree on its command line. If the first one is `run`, the tree has no other command, because
// building the others would only delay the start.
func CommandFor(cfg service.Config, prog service.Program, args []string) *cobra.Command {
	a := newTrunk(thisMachine().with(cfg.Fallback), &cfg, prog, "")
	if len(args) == 0 || args[0] != runName { // flags before it may belong to the host
		a.grow()
	}
	return a.root
}

// ExitCode returns the exit code that this package promises for the error of a command.
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
	case errors.Is(err, service.ErrConfig): // also for a name that no unit can have
		return service.ExitCode(err)
	case errors.As(err, &bad), misused(err), errors.Is(err, platform.ErrUnsupported):
		return platform.ExitUsage
	case errors.Is(err, platform.ErrBadUnit):
		return platform.ExitBadConfig
	}
	return service.ExitCode(err)
}

// Silent reports whether nothing needs to be printed about err: it is only an exit code, or it
// is in the service's log.
func Silent(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) || service.Logged(err)
}

// exitCode is like ExitCode. An error before any command began is a command line that cobra
// refused.
func (a *app) exitCode(err error) int {
	if err != nil && !a.begun {
		return platform.ExitUsage
	}
	return ExitCode(err)
}
