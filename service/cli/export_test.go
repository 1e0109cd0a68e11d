package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Machine is what commands use outside of their process. Tests fake it.
type Machine = machine

// ThisMachine returns the real machine.
var ThisMachine = thisMachine

// CommandOn is like Command, on a fake machine.
func CommandOn(m Machine, cfg service.Config, prog service.Program) *cobra.Command {
	return newApp(m, cfg, prog).root
}

// Alone returns the tree that Main uses.
func Alone(cfg service.Config) *cobra.Command {
	return newTree(thisMachine().with(cfg.Fallback), cfg, nil, "q").root
}

// An App is a command line.
type App struct{ *app }

// Trunk returns the command line with which Main begins.
func Trunk(cfg service.Config) App { return App{newTrunk(thisMachine(), &cfg, nil, "q")} }

// Grown returns Trunk with all commands.
func Grown(cfg service.Config) App { return App{newTree(thisMachine(), cfg, nil, "q")} }

// Root returns the root of the tree.
func (a App) Root() *cobra.Command { return a.root }

// Runs reports whether args need no more than Trunk.
func (a App) Runs(args []string) bool { return a.runs(args) }

// AsUnit returns the systemd-run command for a conductor.
var AsUnit = asUnit

// TakeTable copies the [service] table of another configuration.
var TakeTable = takeTable

// Excerpt returns the lines of a log that are shown with a failure.
var Excerpt = excerpt

// OwnProgram returns the path by which a manager will start this program.
func OwnProgram(m Machine) (path, note string, err error) { return m.ownProgram() }

// Accounts looks up users and groups.
type Accounts = accounts

// ErrNoAccount is the error of a lookup for an unknown name.
var ErrNoAccount = errNoAccount

// UnsafePath says who could make a path lead elsewhere.
var UnsafePath = unsafePath

// Resources is what a process uses.
type Resources = resources

// ShowPlan shows steps as `plan` does.
var ShowPlan = showPlan

// Difference is what `install --adopt` shows.
var Difference = difference

// ReadyLine returns the message for a terminal about a start that was requested at that time.
func ReadyLine(ctx context.Context, m Machine, cfg service.Config, keeper platform.Manager, asked time.Time) string {
	t := &target{machine: m, cfg: cfg, id: cfg.ID(cfg.Scope), manager: keeper}
	t.dirs, _ = cfg.DirsFor(cfg.Scope)
	return t.readyLine(ctx, singleton.Holder{}, asked)
}

// Enumerate lists names for people.
var Enumerate = enumerate

// A TableEntry is a process of the process table.
type TableEntry = tableEntry

// Entry returns a TableEntry.
func Entry(pid, parent int, exe, user string, argv ...string) TableEntry {
	return TableEntry{pid: pid, parent: parent, exe: exe, user: user, argv: argv}
}

// Sketch returns what may be shown of each line of a configuration.
func Sketch(text string) (shown []string) {
	for _, line := range sketch(text) {
		shown = append(shown, line.shown)
	}
	return shown
}

// Redact returns a function that removes secrets from texts.
func Redact(secrets []string) func(string) string { return newRedactor(secrets).text }
