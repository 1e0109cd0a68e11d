package service

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Guest describes a program that was written for another library and runs under holdfast:
// see package platform/kardianos. Managers start it with its own command line. It may end its
// process in its Stop (os.Exit), so the last-run record is closed as a clean end before Stop
// is called. A SIGHUP goes to the program and not to holdfast, unless the program is a
// [Reloader].
type Guest struct {
	// Exec has the arguments with which managers start it instead of `run`.
	Exec []string
	// Way is put before the program's path in the command lines of holdfast's own commands,
	// for example an env(1) with a variable by which the program recognises them.
	Way []string
	// Reload is the command that makes the program reload, if it is no Reloader. Nil: there is
	// none.
	Reload []string
	// Sourced is the path of a file of shell commands. If it exists, init scripts use it to
	// change the environment of the program: see package supervise.
	Sourced string
	// Singleton makes a second process exit with code 75. Without it, a second process serves
	// as well, and so does one that may not use the service's directories; `status` does not
	// show these. But a second process that a SysV script starts exits with 75 in any case,
	// because two starts at once do not mean that somebody wants two services.
	Singleton bool
	// Reloads says whether the program is a Reloader.
	Reloads bool
}

// change makes u start the guest.
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

// spawned returns flags for the command that becomes the guest.
func (g *Guest) spawned() []string {
	if g == nil || g.Sourced == "" {
		return nil
	}
	return []string{"--sourced", g.Sourced}
}

// timeout adds the time limit to args, because a command of a guest cannot read it from a
// configuration.
func (g *Guest) timeout(limit time.Duration, args ...string) []string {
	if g == nil || limit <= 0 {
		return args
	}
	return append(args, "--timeout", (limit + platform.StopMargin).String())
}

// deaf reports whether holdfast ignores reload requests.
func (g *Guest) deaf(prog Program) bool {
	_, reloads := prog.(Reloader)
	return g != nil && !reloads
}

// serves reports whether a process that is not the one instance serves as well.
func (g *Guest) serves() bool { return g != nil && !g.Singleton }

// foretell closes the last-run record as a clean end, because a guest may end its process in
// Stop.
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
		l.log.Warn("if the program ends within its Stop, the run counts as cut off", "error", err)
	}
}
