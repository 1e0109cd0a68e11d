package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/internal/hangup"
)

// An app is one command line: the program, and the values of the flags.
type app struct {
	machine
	cfg  service.Config
	prog service.Program
	root *cobra.Command
	code service.Config // cfg before a command has changed it

	hangup            *hangup.Hold    // Main's hold on SIGHUP
	begun             bool            // one of our commands was reached
	unusable          error           // why no command can run
	fileless          bool            // use no configuration file
	placesDefaultFile bool            // this command writes or shows the program's default file
	ours              map[string]bool // the persistent flags that do not belong to a host
	manager           string
	scope             string
	timeout           time.Duration
}

// newApp returns a command line that can be mounted anywhere.
func newApp(m machine, cfg service.Config, prog service.Program) *app {
	return newTree(m, cfg, prog, "")
}

// newTree is like newApp, and gives --quiet that letter.
func newTree(m machine, cfg service.Config, prog service.Program, quiet string) *app {
	a := newTrunk(m, &cfg, prog, quiet)
	a.grow()
	return a
}

// newTrunk returns the part of newTree that `run` needs. The rest would cost every start as
// much as the whole start of a small program, so it grows when it is needed.
func newTrunk(m machine, cfg *service.Config, prog service.Program, quiet string) *app {
	a := &app{machine: m, prog: prog}
	a.cfg, a.unusable = cfg.With(prog)
	a.root = &cobra.Command{
		Use:   cfg.Name,
		Short: short(cfg),
		Args:  a.knownCommand, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error { return a.help(args) },
	}
	if quiet != "" { // in a mounted tree, --version belongs to the host
		a.root.RunE = a.helpOrVersion()
	}
	f := a.root.PersistentFlags()
	f.StringVar(&a.cfg.File, "config", cfg.File, "configuration `FILE`")
	f.StringVar(&a.cfg.RuntimeDir, "runtime-dir", cfg.RuntimeDir, "`DIR` of the PID file and the state")
	f.StringVar(&a.cfg.StateDir, "state-dir", cfg.StateDir, "`DIR` of the data that survives a reboot")
	f.StringVar(&a.cfg.Instance, "instance", cfg.Instance, "`NAME` of one of several instances")
	f.StringVar(&a.manager, "manager", "auto", "service manager `NAME`: auto, none, "+a.managers())
	f.StringVar(&a.scope, "scope", "auto", "scope of the service, `SCOPE`: auto, system, user")
	f.DurationVar(&a.timeout, "timeout", 0, "stop waiting after `DURATION` (default: the time that the configuration allows)")

	f.BoolP(quietName, quiet, false, "print no confirmations and no progress, only errors, warnings and the requested output")
	a.ours = map[string]bool{}
	f.VisitAll(func(f *pflag.Flag) { a.ours[f.Name] = true })

	a.root.CompletionOptions.DisableDefaultCmd = true // we have our own
	a.adopt(a.root)
	a.helpOnConfig()
	a.addGroups()
	a.add(groupLife, a.runCommand())
	return a
}

// grow adds all commands except `run`.
func (a *app) grow() {
	a.addCommands()
	if c, ok := a.prog.(Commander); ok {
		a.add("", c.Commands(a.find)...)
	}
	a.root.SetHelpCommand(a.helpCommand())
	a.completeFlags()
}

// runs reports whether cobra takes args for a command line of `run`.
func (a *app) runs(args []string) bool {
	cmd, _, err := a.root.Find(args)
	return err == nil && cmd.Name() == runName && cmd.Parent() == a.root
}

func short(cfg *service.Config) string {
	if cfg.Description != "" {
		return cfg.Description
	}
	return "the " + cfg.Name + " service"
}

// knownCommand refuses an unknown command. Otherwise cobra would show the help of a mounted
// tree and report success.
func (a *app) knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "help" {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(": did you mean %s?", strings.Join(near, ", "))
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}

// helpCommand is for a tree that is not mounted. cobra's own help command reports success for
// an unknown command.
func (a *app) helpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about any command",
		GroupID: groupOther,
		RunE:    func(_ *cobra.Command, args []string) error { return a.help(append([]string{"help"}, args...)) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if group, _, err := a.root.Find(args); err == nil {
				for _, c := range group.Commands() {
					if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), begun) {
						names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	a.adopt(cmd)
	return cmd
}

// help shows the help of the command that args name. In a mounted tree, cobra's own help
// command belongs to the host.
func (a *app) help(args []string) error {
	cmd := a.root
	if len(args) > 1 {
		found, rest, err := a.root.Find(args[1:])
		if err != nil || len(rest) > 0 {
			return usage("unknown command %q for %q", args[1], cmd.CommandPath())
		}
		cmd = found
	}
	cmd.InitDefaultHelpFlag()
	return cmd.Help()
}

// absolute makes the paths of flags independent of the working directory, because a manager
// will use them elsewhere. A path that is absolute only on another system belongs to a plan
// for that system.
func (a *app) absolute() error {
	for _, path := range []*string{&a.cfg.File, &a.cfg.RuntimeDir, &a.cfg.StateDir} {
		if *path == "" || platform.AbsoluteAnywhere(*path) && a.elsewhere() {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}

// here reports whether a plan is for this machine. This includes other managers that could run
// it, because they use the same directories.
func (a *app) here() bool { return !a.elsewhere() || native.OnThisSystem(a.manager) }

// elsewhere reports whether --manager names a manager that does not serve this machine.
func (a *app) elsewhere() bool {
	if a.manager == "" || a.manager == "auto" || a.manager == "none" {
		return false
	}
	here, err := a.Manager("auto")
	return (err != nil || here.Name() != a.manager) && !native.Answers(a.manager)
}
