package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Machine is what commands reach, to be played by tests.
type Machine = machine

// ThisMachine is the real one.
var ThisMachine = thisMachine

// CommandOn is Command on a machine that the test plays.
func CommandOn(m Machine, cfg service.Config, prog service.Program) *cobra.Command {
	return newApp(m, cfg, prog).root
}

// Alone is the tree as Main has it.
func Alone(cfg service.Config) *cobra.Command {
	return newTree(thisMachine().with(cfg.Fallback), cfg, nil, "q").root
}

// App is a command line.
type App struct{ *app }

// Trunk is the one that Main begins with, and Grown what it makes of it.
func Trunk(cfg service.Config) App { return App{newTrunk(thisMachine(), cfg, nil, "q")} }

// Grown is Trunk with all commands.
func Grown(cfg service.Config) App { return App{newTree(thisMachine(), cfg, nil, "q")} }

// Root is its tree.
func (a App) Root() *cobra.Command { return a.root }

// Runs reports whether args need no more than Trunk.
func (a App) Runs(args []string) bool { return a.runs(args) }

// AsUnit is how systemd-run is called for a conductor.
var AsUnit = asUnit

// TakeTable has a configuration take another's [service] table.
var TakeTable = takeTable

// Excerpt is what of a log is shown with a failure.
var Excerpt = excerpt

// OwnProgram is the path by which a manager will start this program.
func OwnProgram(m Machine) (path, note string, err error) { return m.ownProgram() }

// Accounts looks up users and groups.
type Accounts = accounts

// ErrNoAccount is what a lookup says of a name that nobody knows.
var ErrNoAccount = errNoAccount

// UnsafePath says who could have a path lead elsewhere.
var UnsafePath = unsafePath

// Resources is what a process uses.
type Resources = resources

// ShowPlan shows steps as `plan` does.
var ShowPlan = showPlan

// Difference is what `install --adopt` shows.
var Difference = difference

// ReadyLine is what a start that was asked for at that time says to a terminal.
func ReadyLine(ctx context.Context, m Machine, cfg service.Config, keeper platform.Manager, asked time.Time) string {
	t := &target{machine: m, cfg: cfg, id: cfg.ID(cfg.Scope), manager: keeper}
	t.dirs, _ = cfg.DirsFor(cfg.Scope)
	return t.readyLine(ctx, singleton.Holder{}, asked)
}

// Enumerate is a list of names for people.
var Enumerate = enumerate

// TableEntry is one process of the process table.
type TableEntry = tableEntry

// Entry is a TableEntry.
func Entry(pid, parent int, exe, user string, argv ...string) TableEntry {
	return TableEntry{pid: pid, parent: parent, exe: exe, user: user, argv: argv}
}

// Sketch is what of each line of a configuration may be shown.
func Sketch(text string) (shown []string) {
	for _, line := range sketch(text) {
		shown = append(shown, line.shown)
	}
	return shown
}

// Redact strikes secrets out of texts.
func Redact(secrets []string) func(string) string { return newRedactor(secrets).text }
