package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// app is one command line: the program, and what the flags say.
type app struct {
	cfg  service.Config
	prog service.Program

	begun   bool // a command of ours was reached
	manager string
	scope   string
	timeout time.Duration
}

func newApp(cfg service.Config, prog service.Program) *app { return &app{cfg: cfg, prog: prog} }

func (a *app) tree() *cobra.Command {
	root := &cobra.Command{
		Use:   a.cfg.Name,
		Short: short(a.cfg),
		// Errors are printed once, by Main, and without the usage text.
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.begun = true
			// color asks whether it is a terminal, and not whether it shows colours.
			color.NoColor = color.NoColor || !logsink.IsTerminal(os.Stdout.Fd())
			if cmd.Name() != runName { // service.Run has the signals to itself
				// An install that is interrupted is taken back.
				ctx, _ := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM) //nolint:govet // for the rest of the process
				cmd.SetContext(ctx)
			}
			return a.absolute()
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.cfg.File, "config", a.cfg.File, "configuration `FILE`")
	f.StringVar(&a.cfg.RuntimeDir, "runtime-dir", a.cfg.RuntimeDir, "`DIR` of the PID file and the state")
	f.StringVar(&a.cfg.StateDir, "state-dir", a.cfg.StateDir, "`DIR` of what survives a reboot")
	f.StringVar(&a.cfg.Instance, "instance", a.cfg.Instance, "`NAME` of one of several instances")
	f.StringVar(&a.manager, "manager", "auto", "service manager `NAME`: auto, none, "+list(native.Managers()))
	f.StringVar(&a.scope, "scope", "auto", "whose service it is: auto, system, user")
	f.DurationVar(&a.timeout, "timeout", 0, "give up waiting after `D` (default: what the configuration allows)")

	root.AddCommand(
		a.runCommand(),
		a.installCommand(), a.uninstallCommand(), a.planCommand(),
		a.startCommand(), a.stopCommand(), a.restartCommand(), a.reloadCommand(),
		a.statusCommand(), a.logsCommand(), a.versionCommand(), manCommand(root),
		a.checkCommand(), a.spawnCommand(), a.superviseCommand(), a.awaitCommand(),
	)
	return root
}

func short(cfg service.Config) string {
	if cfg.Description != "" {
		return cfg.Description
	}
	return "the " + cfg.Name + " service"
}

// absolute makes the paths of flags independent of where we stand: a manager
// will use them somewhere else. One that is absolute on another system is for a
// plan for it.
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

// elsewhere tells whether a manager was named that is not this machine's.
func (a *app) elsewhere() bool {
	if a.manager == "" || a.manager == "auto" || a.manager == "none" {
		return false
	}
	here, err := native.Manager("auto")
	return err != nil || here.Name() != a.manager
}

func list(names []string) (s string) {
	for i, n := range names {
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}

// target is the service that a command is about, where it is kept.
type target struct {
	cfg     service.Config // loaded
	id      platform.ID
	dirs    service.Dirs
	manager platform.Manager // nil: there is none, or none is wanted
	doubt   error            // why there is none
	badFile error            // why the configuration file was left out
}

// target loads the configuration and finds out who keeps the service.
func (a *app) target(cmd *cobra.Command) (*target, error) {
	cfg, err := a.cfg.Load()
	if err != nil {
		return nil, err
	}
	t := &target{cfg: cfg}
	if a.manager == "none" {
		t.doubt = fmt.Errorf("%w: --manager none", platform.ErrNoManager)
	} else if t.manager, err = native.Manager(a.manager); errors.Is(err, platform.ErrNoManager) {
		t.doubt = err
	} else if err != nil {
		return nil, err
	}
	scope, err := a.chooseScope(cmd, t)
	if err != nil {
		return nil, err
	}
	t.id = cfg.ID(scope)
	t.dirs, err = cfg.DirsFor(scope)
	return t, err
}

// targetRegardless is the target for commands that must work when the file has
// become bad: a service is to be looked at, stopped and removed all the same,
// and a bad file is for the running service to refuse. The code's values serve.
func (a *app) targetRegardless(cmd *cobra.Command) (*target, error) {
	t, err := a.target(cmd)
	if err == nil || !errors.Is(err, service.ErrConfig) {
		return t, err
	}
	without := *a
	without.cfg.File = ""
	t, again := without.target(cmd)
	if again != nil {
		return nil, err
	}
	t.badFile = err
	return t, nil
}

// chooseScope is the scope that was asked for. Without a word, it is the
// system's for root, and for others the user's, unless only the system has the
// service.
func (a *app) chooseScope(cmd *cobra.Command, t *target) (platform.Scope, error) {
	switch s := platform.Scope(a.scope); s {
	case platform.ScopeSystem, platform.ScopeUser:
		return s, nil
	case "auto", "":
	default:
		return "", fmt.Errorf("%w: --scope %q is none of auto, system, user", errUsage, a.scope)
	}
	if t.manager != nil && t.manager.Name() == "scm" { // a plan that is made elsewhere: Windows has no other
		return platform.ScopeSystem, nil
	}
	own := native.OwnScope()
	if own == platform.ScopeSystem || t.manager == nil {
		return own, nil
	}
	installed := func(s platform.Scope) bool {
		st, err := t.manager.Status(cmd.Context(), t.cfg.ID(s))
		return err == nil && st.Installed
	}
	if !installed(platform.ScopeUser) && installed(platform.ScopeSystem) {
		return platform.ScopeSystem, nil
	}
	return platform.ScopeUser, nil
}

// needManager is for commands that make no sense without one.
func (t *target) needManager() (platform.Manager, error) {
	if t.manager == nil {
		return nil, t.doubt
	}
	return t.manager, nil
}
