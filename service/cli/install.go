package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/singleton"
)

// installFlags are those that `install` and `plan` share.
type installFlags struct {
	program string
	json    bool
}

func (a *app) addInstallFlags(cmd *cobra.Command, f *installFlags) {
	cmd.Flags().StringVar(&f.program, "program", "", "absolute `PATH` of the program on the target (default: this executable)")
	cmd.Flags().StringVar(&a.cfg.User, "user", a.cfg.User, "run as user `U`")
	cmd.Flags().BoolVar(&f.json, "json", false, "show the plan as JSON")
}

func (a *app) installCommand() *cobra.Command {
	var f installFlags
	var dry, start bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the service with the manager, or bring what is installed up to date",
		Long: "Install the service with the machine's manager and have it start at boot. Doing it again brings " +
			"the installation up to date. If a step fails, those before it are taken back.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, steps, err := a.plan(cmd, f)
			if err != nil {
				return err
			}
			if dry {
				return showPlan(cmd.OutOrStdout(), t.manager.Name(), steps, f.json)
			}
			if err := a.apply(cmd, t, steps); err != nil {
				return fmt.Errorf("install %q: %w", t.id, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is installed (%s).\n", t.id, t.manager.Name())
			if !start {
				return nil
			}
			return a.start(cmd, t)
		},
	}
	a.addInstallFlags(cmd, &f)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be done")
	cmd.Flags().BoolVar(&start, "start", false, "start it, too")
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	var f installFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what install would do, for any manager, on any machine",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, steps, err := a.plan(cmd, f)
			if err != nil {
				return err
			}
			return showPlan(cmd.OutOrStdout(), t.manager.Name(), steps, f.json)
		},
	}
	a.addInstallFlags(cmd, &f)
	return cmd
}

func (a *app) plan(cmd *cobra.Command, f installFlags) (*target, []platform.Step, error) {
	// `--user` belongs on top of the file, not under it.
	user := a.cfg.User
	t, err := a.target(cmd)
	if err != nil {
		return nil, nil, err
	}
	if cmd.Flags().Changed("user") {
		t.cfg.User = user
	}
	m, err := t.needManager()
	if err != nil {
		return nil, nil, err
	}
	program := f.program
	if program == "" {
		if program, err = ownPath(); err != nil {
			return nil, nil, err
		}
	}
	u, err := t.cfg.Unit(program, t.id.Scope)
	if err != nil {
		return nil, nil, err
	}
	steps, err := m.Plan(cmd.Context(), u)
	return t, steps, err
}

// ownPath is this executable without links: a link may be switched to something
// else while the service runs.
func ownPath() (string, error) {
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return "", fmt.Errorf("where this program is: %w: say it by --program", err)
	}
	return exe, nil
}

func (a *app) uninstallCommand() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it from the manager",
		Long:  "Stop the service and remove it from the manager. What is not installed is uninstalled already.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			m, err := t.needManager()
			if err != nil {
				return err
			}
			// Its files are removed with the rest.
			if other, err := t.strangerHolds(cmd.Context()); err != nil {
				return err
			} else if other != nil {
				return fmt.Errorf("uninstall %q: %w: stop it first", t.id, other)
			}
			steps, err := m.Removal(cmd.Context(), t.id)
			if err != nil {
				return err
			}
			if err := a.apply(cmd, t, steps); err != nil {
				return fmt.Errorf("uninstall %q: %w", t.id, err)
			}
			if purge {
				if err := a.purge(cmd, t); err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is uninstalled (%s).\n", t.id, m.Name())
			return nil
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove its runtime, state and log directories, too")
	return cmd
}

// purge removes what the service has written. What an instance that the manager
// did not know of still uses stays.
func (a *app) purge(cmd *cobra.Command, t *target) error {
	switch h, err := singleton.Probe(t.lock()); {
	case err == nil:
		return fmt.Errorf("purge %q: it still runs, outside of the manager: %s: stop it first", t.id, heldBy(h))
	case !errors.Is(err, singleton.ErrFree):
		return fmt.Errorf("purge %q: %w", t.id, err)
	}
	var steps []platform.Step
	for _, dir := range []string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs} {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "remove " + dir, Path: dir})
	}
	return a.apply(cmd, t, steps)
}

func (a *app) apply(cmd *cobra.Command, t *target, steps []platform.Step) error {
	if len(steps) > 0 && t.id.Scope == platform.ScopeSystem && native.OwnScope() != platform.ScopeSystem {
		return fmt.Errorf("a service of the system: %w: become root, or say --scope user", platform.ErrPermission)
	}
	return installer.Apply(cmd.Context(), native.System{}, steps, func(s platform.Step, err error) {
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "  (failed, not needed: %v)\n", err)
			return
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "- %s\n", s.Describe)
	})
}
