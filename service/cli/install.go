package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// installFlags has the flags that `install` and `plan` share.
type installFlags struct {
	program string
	user    string
	json    bool
	copyTo  string
	adopt   bool

	allowWritable bool // now or by an earlier install

	createUser bool
	start      bool // start and restart: `install` only
	restart    bool
	diff       bool // `plan` only

	told map[string]string // the remembered flags of the installation
}

func (a *app) addInstallFlags(cmd *cobra.Command, f *installFlags) {
	cmd.Flags().StringVar(&f.program, "program", "", "absolute `PATH` of the program on the target (default: this executable)")
	cmd.Flags().StringVar(&f.copyTo, "copy-to", "", "copy this program into `DIR` and install the copy")
	cmd.Flags().StringVar(&f.user, "user", a.cfg.User, "run as user `USER`")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON: the steps that would be done, or that were done")
	addTakeBack(cmd)
	cmd.Flags().BoolVar(&f.createUser, "create-user", false, "create the service's user and group if they do not exist (Linux, macOS); uninstall --purge removes them")
	cmd.Flags().BoolVar(&f.allowWritable, allowWritable, false, "accept a program that ordinary users can replace, although they could then act as the service's user")
	cmd.Flags().BoolVar(&f.adopt, "adopt", false, "take over a definition of that name that holdfast did not make; uninstall puts it back")
}

func (a *app) installCommand() *cobra.Command {
	var f installFlags
	var dry bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the service, or update what is installed",
		Long: "Install the service with the machine's manager and enable it at boot. If a step fails, the earlier steps are undone.\n\n" +
			"A second install updates what is installed. It shows each line of the definition that changes, and does nothing if none does. " +
			"It keeps the earlier values of --config, --user, --program, --copy-to, --runtime-dir and " +
			"--state-dir; --no-config and the like remove them.\n\n" +
			"Without --config the configuration is " + usualFile(a.cfg) + ", if that exists (with --scope user, the file " +
			"of that name in the user's configuration directory).\n\n" +
			"A running service is not restarted without --restart; install says when a restart is needed. " +
			"A running service that --adopt takes over runs afterwards.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry {
				t, steps, err := a.plan(cmd, &f)
				if err != nil {
					return err
				}
				return a.showSteps(cmd, t, steps, f)
			}
			return a.alone(cmd, "install", func() error {
				t, steps, err := a.plan(cmd, &f)
				if err == nil && !t.defaultFile.anew { // with a new file, the check follows when the program can read it
					err = a.precheck(cmd.Context(), t)
				}
				if err != nil {
					return err
				}
				tx, did, err := a.install(cmd, t, steps, f)
				if err != nil {
					return fmt.Errorf("install %q: %w", t.id, err)
				}
				return a.finish(cmd, t, tx, steps, f, did)
			})
		},
	}
	a.addInstallFlags(cmd, &f)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be done")
	cmd.Flags().BoolVar(&f.start, "start", false, "start it, too")
	cmd.Flags().BoolVar(&f.restart, "restart", false, "restart it if it runs and something is not in force yet")
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	var f installFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what install would do, for any manager",
		Long:  "Show what install would do. For kubernetes and compose it prints the definition alone, which their own commands apply.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, steps, err := a.plan(cmd, &f)
			if err != nil {
				return err
			}
			return a.showSteps(cmd, t, steps, f)
		},
	}
	cmd.Flags().BoolVar(&f.diff, "diff", false, "only what would change in the definitions that are installed, line by line")
	a.addInstallFlags(cmd, &f)
	return cmd
}

// showSteps shows what install would do or, with --diff, what it would change.
func (a *app) showSteps(cmd *cobra.Command, t *target, steps []platform.Step, f installFlags) error {
	if r, ok := t.manager.(platform.Renderer); ok {
		return showRendered(cmd, r, steps, f.json)
	}
	if f.diff {
		due := a.drift(cmd.Context(), t).ofProcess(a, t)
		if !f.json {
			a.tell(cmd, due)
		}
		return showChanges(cmd.OutOrStdout(), t.manager.Name(), t.changes(cmd.Context(), slices.Concat(t.defaultFile.steps, steps)), due, f.json)
	}
	t.laidOver(cmd)
	all, err := a.whole(cmd.Context(), t, steps, f)
	if err != nil {
		return err
	}
	return showPlan(cmd.OutOrStdout(), t.manager.Name(), all, f.json)
}

func (a *app) plan(cmd *cobra.Command, f *installFlags) (*target, []platform.Step, error) {
	if err := errors.Join(checkTakeBack(cmd), a.checkRendered(cmd)); err != nil {
		return nil, nil, err
	}
	if cmd.Flags().Changed("user") {
		a.override(func(c *service.Config) { c.User = f.user })
	}
	a.placesDefaultFile = true
	t, err := a.target(cmd)
	if err == nil && t.defaultFile.anew {
		err = a.checkTables(cmd.Context(), t.cfg)
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := t.needManager()
	if err != nil {
		return nil, nil, err
	}
	if t.badManifest != nil {
		return nil, nil, t.badManifest
	}
	f.told = a.remember(cmd, t, f)
	program, note, first, err := a.where(t, *f)
	if err != nil {
		return nil, nil, err
	}
	t.program = program
	if err := a.refuseWritable(program, *f); err != nil {
		return nil, nil, err
	}
	if r, ok := m.(platform.Renderer); ok {
		t.cfg.StateDir = cmp.Or(t.cfg.StateDir, r.StateDir(t.id))
	}
	u, err := t.cfg.Unit(program, t.id.Scope)
	if err != nil {
		return nil, nil, err
	}
	u.Adopt = f.adopt
	if f.createUser {
		made, err := t.makeAccount(cmd.Context())
		if err != nil {
			return nil, nil, err
		}
		first = append(made, first...)
	}
	steps, err := m.Plan(cmd.Context(), u)
	if err != nil {
		return nil, nil, a.wayOut(cmd.Context(), cmd, t, *f, t.located(err, false))
	}
	if !a.elsewhere() {
		for _, warning := range t.alarmWarnings() {
			fmt.Fprintf(cmd.ErrOrStderr(), "- warning: %s\n", warning)
		}
	}
	t.before(cmd, u, steps)
	for _, note := range []string{note, t.defaultFile.note} {
		if note != "" {
			fmt.Fprintf(notes(cmd), "- %s\n", note)
		}
	}
	if t.passedOver != "" {
		fmt.Fprintf(notes(cmd), "- %s is left out: it belongs to this machine, and not to one with %s; --config names another\n", t.passedOver, m.Name())
	}
	if !f.json && (t.cfg.File != "" || t.usual != "") {
		fmt.Fprintf(notes(cmd), "- the configuration is %s\n", t.configuration())
	}
	return t, append(first, steps...), nil
}

// override lets the command line take precedence over the configuration file.
func (a *app) override(change func(*service.Config)) {
	before := a.cfg.Override
	a.cfg.Override = func(c *service.Config) {
		if before != nil {
			before(c)
		}
		change(c)
	}
}

func (a *app) uninstallCommand() *cobra.Command {
	var purge, foreign bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it",
		Long: "Stop the service and remove it from the manager. A copy of the program that install --copy-to made is removed, unless " +
			"somebody has changed it or another service runs it. The service's data stays.\n\n" +
			"--purge removes the service's own directories and the data in them. A directory that a flag " +
			"names is removed only if everything in it is named after the service, or with --purge-foreign.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.alone(cmd, "uninstall", func() error {
				t, err := a.targetRegardless(cmd)
				if err != nil {
					return err
				}
				return a.uninstall(cmd, t, purge, foreign)
			})
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove its runtime, state and log directories, too")
	cmd.Flags().BoolVar(&foreign, "purge-foreign", false, "with --purge: also remove a directory that a flag named and that contains files of others")
	return cmd
}

func (a *app) uninstall(cmd *cobra.Command, t *target, purge, foreign bool) error {
	m, err := t.needManager()
	if err != nil {
		return err
	}
	if err := t.ours(cmd.Context(), "uninstall"); err != nil {
		return err
	}
	// An uninstall also removes the files of that process.
	if other, err := t.stranger(cmd.Context()); err != nil {
		return err
	} else if other != nil {
		return fmt.Errorf("uninstall %q: %w: stop it first", t.id, other)
	}
	var remove []platform.Step
	if purge && !foreign {
		if err := t.purgesItsOwn(cmd); err != nil {
			return err
		}
	}
	if purge { // objections must come before anything has changed
		if remove, err = t.purge(foreign); err != nil {
			return fmt.Errorf("purge %q: %w", t.id, err)
		}
	}
	steps, err := m.Removal(cmd.Context(), t.id)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		if hint := a.hint(cmd, t, "uninstall"); hint != "" {
			fmt.Fprintf(notes(cmd), "- it is not installed%s\n", hint)
		}
	}
	if err := a.mayApply(t, slices.Concat(steps, remove)); err != nil {
		return fmt.Errorf("uninstall %q: %w", t.id, err)
	}
	outcome := "is uninstalled"
	if len(steps) == 0 && len(remove) == 0 && len(t.forget()) == 0 && len(t.removeDefaultFile()) == 0 {
		outcome = "is not installed"
	}
	tx := t.transaction(cmd, "uninstall")
	steps = append(steps, t.removeDefaultFile()...)
	if !purge {
		steps = append(steps, t.forget()...)
	}
	if err := tx.Apply(cmd.Context(), steps); err != nil {
		return fmt.Errorf("uninstall %q: %w", t.id, t.stopped(err))
	}
	if purge {
		if err := t.unused(cmd.Context()); err != nil {
			return fmt.Errorf("purge %q: %w", t.id, errors.Join(err, tx.Commit(cmd.Context())))
		}
		if err := tx.Apply(cmd.Context(), slices.Concat(remove, t.purgeAccount(), t.forget())); err != nil {
			return fmt.Errorf("purge %q: %w", t.id, t.stopped(err))
		}
	}
	if err := tx.Commit(cmd.Context()); err != nil {
		return fmt.Errorf("uninstall %q: %w", t.id, err)
	}
	t.unversion(notes(cmd))
	t.uncopy(notes(cmd)) // from here there is no rollback: a program is too large for the journal
	fmt.Fprintf(confirms(cmd), "%s %s (%s).\n", t.id, outcome, m.Name())
	tell := func(what string, all []string, hint string) {
		if len(all) > 0 {
			fmt.Fprintf(confirms(cmd), "%s stays: %s%s\n", what, strings.Join(all, ", "), hint)
		}
	}
	tell("What it has written", t.written(), purgeHint(purge))
	tell("Its configuration", t.configurations(), "")
	tell("The copy of its program", t.keptCopies(), "")
	return nil
}

// mayApply refuses what an ordinary user cannot do to a system service.
func (a *app) mayApply(t *target, steps []platform.Step) error {
	if len(steps) > 0 && t.id.Scope == platform.ScopeSystem && a.Scope() != platform.ScopeSystem {
		return fmt.Errorf("a system service: %w: become root, or use --scope user", platform.ErrPermission)
	}
	return nil
}
