package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Main runs the command that os.Args names and returns the exit code of the
// process. It blocks until the command is done; for `run`, that is the whole
// life of prog.
func Main(cfg service.Config, prog service.Program) int {
	a := newApp(cfg, prog)
	root := a.tree()
	root.SetArgs(os.Args[1:])
	err := root.ExecuteContext(context.Background())
	code := a.exitCode(err)
	var silent *exitError
	if err != nil && !errors.As(err, &silent) && !service.Logged(err) {
		text := fmt.Sprintf("%s: %v\n", root.Name(), err)
		if code == platform.ExitUsage {
			text += fmt.Sprintf("Try \"%s --help\".\n", root.Name())
		}
		logsink.PrintError(text)
	}
	return code
}

// Command is the command tree of the service, named after it, to be mounted
// into a bigger one. The errors of its commands are for [ExitCode].
func Command(cfg service.Config, prog service.Program) *cobra.Command {
	return newApp(cfg, prog).tree()
}

// ExitCode turns the error of a command into the exit code that this package
// promises.
func ExitCode(err error) int {
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, service.ErrConfig): // also where it is a name that no unit can have
		return service.ExitCode(err)
	case errors.Is(err, errUsage), errors.Is(err, platform.ErrUnsupported):
		return platform.ExitUsage
	case errors.Is(err, platform.ErrBadUnit):
		return platform.ExitBadConfig
	}
	return service.ExitCode(err)
}

// exitCode is ExitCode, where what went wrong before a command began was cobra
// refusing the command line.
func (a *app) exitCode(err error) int {
	if err != nil && !a.begun {
		return platform.ExitUsage
	}
	return ExitCode(err)
}

// errUsage means that the command line makes no sense.
var errUsage = errors.New("usage")

// exitError ends with a code and says nothing: the command has spoken.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// heldBy explains to a person who else runs.
func heldBy(h singleton.Holder) string {
	if !h.Known() {
		return "a process that cannot be identified (its lock is held; its record is gone, or its executable was renamed)"
	}
	return h.String()
}
