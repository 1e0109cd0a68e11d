package service

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Guest is a program that was written for another library and lives by holdfast all
// the same: see package platform/kardianos. Managers start it by its own command line.
// It may end its process in its Stop (os.Exit): the record of the run is closed before
// that is called, as of a clean end. Who sends it a SIGHUP asks the program, and not
// holdfast, unless it is a [Reloader].
type Guest struct {
	// Exec are the arguments that managers start it with, in place of `run`.
	Exec []string
	// Way is what stands before the path of the program where holdfast's own commands
	// are called: what has it know them, such as an env(1) with a variable.
	Way []string
	// Reload is the command that has it take a new configuration, where it is no
	// Reloader; nil: there is none.
	Reload []string
	// Sourced is a file of shell commands that scripts of init systems have change its
	// environment, if it is there: see package supervise.
	Sourced string
	// Singleton has a second one end with exit code 75. Without it the second one, and
	// one that may not have the service's directories, serves as well; it is not the
	// one that `status` tells of. A second one that a script of SysV's starts ends
	// likewise: two starts at once are no wish for two.
	Singleton bool
	// Reloads says that it is a Reloader.
	Reloads bool
}

// change has u be what starts a guest.
func (g *Guest) change(u *platform.Unit, program string) {
	if g == nil {
		return
	}
	u.Exec = append([]string{program}, g.Exec...)
	if !g.Reloads {
		u.Reload = slices.Clone(g.Reload)
	}
}

func (g *Guest) way() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.Way)
}

// spawned are flags of the command that becomes a guest.
func (g *Guest) spawned() []string {
	if g == nil || g.Sourced == "" {
		return nil
	}
	return []string{"--sourced", g.Sourced}
}

// timeout is what a command of a guest has to be told, which cannot read it.
func (g *Guest) timeout(limit time.Duration, args ...string) []string {
	if g == nil || limit <= 0 {
		return args
	}
	return append(args, "--timeout", (limit + platform.StopMargin).String())
}

// deaf reports whether requests for a reload are none of ours.
func (g *Guest) deaf(prog Program) bool {
	_, reloads := prog.(Reloader)
	return g != nil && !reloads
}

// serves reports whether one serves that is not the instance.
func (g *Guest) serves() bool { return g != nil && !g.Singleton }

// foretell writes down how a guest's run ends, which may do so in its Stop.
func (l *life) foretell(cause error) {
	if l.cfg.Guest == nil || l.failure() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(l.forced, recordsLeast)
	defer cancel()
	err := begin("record of the end", func() error {
		return l.machine.closeRecord(l.record, platform.Exit{Clean: true, Reason: oneLine(cause)}, false)
	}).wait(ctx)
	if err != nil {
		l.log.Warn("a program that ends in its Stop will be taken for one that was cut off", "error", err)
	}
}
