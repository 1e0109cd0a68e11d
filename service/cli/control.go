package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

func (a *app) startCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "start",
		Short: "Start the service and wait until it is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.target(cmd)
			if err == nil {
				err = a.prestart(cmd, t, "start")
			}
			if err != nil {
				return err
			}
			if err := a.mayStart(cmd.Context(), t); err != nil {
				return err
			}
			d := a.drift(cmd.Context(), t)
			if d.running { // then this start changes nothing
				a.tell(cmd, d.notes(a, t))
			} else {
				a.tell(cmd, d.ofDefinition(a, t))
			}
			return a.begin(cmd, t, "start", "starting", t.manager.Start)
		},
	}
}

// prestart is like precheck. If the service is not installed, the error also says what exists
// instead, because that may have another configuration.
func (a *app) prestart(cmd *cobra.Command, t *target, verb string) error {
	err := a.precheck(cmd.Context(), t)
	if err == nil {
		return nil
	}
	if hint := a.unless(cmd, t, verb); hint != "" {
		err = fmt.Errorf("%w\nit is not installed%s", err, hint)
	}
	return err
}

// mayStart refuses to let the manager start a service that is not ours, or that already runs
// otherwise.
func (a *app) mayStart(ctx context.Context, t *target) error {
	m, err := t.needManager()
	if err != nil {
		return fmt.Errorf("start %q: %w", t.id, err)
	}
	if err := t.ours(ctx, "start"); err != nil {
		return err
	}
	// A manager would only find this out, restart the service, and give up.
	if other, err := t.stranger(ctx); err != nil {
		return err
	} else if other != nil {
		return fmt.Errorf("start %q: not with %s: %w", t.id, m.Name(), other)
	}
	return nil
}

// stranger returns the holder if it is not the process that the manager runs. It is nil if
// there is none.
func (t *target) stranger(ctx context.Context) (*singleton.HeldError, error) {
	h, err := t.probe(ctx, t.lock())
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil //nolint:nilerr // free, or we may not see it: the manager will report it
	}
	st, err := t.query(ctx, t.id)
	if err != nil || !st.Installed || keeps(st, h.PID, h.Origin) {
		return nil, err
	}
	if st.Phase != "" && st.Phase != platform.PhaseStopped && st.Phase != platform.PhaseFailed {
		return nil, nil // in transition: the holder may be its old or new process
	}
	if alive, err := t.Alive(h.Identity); h.Known() && err == nil && !alive {
		return nil, nil // it has ended since it held the lock, as the manager knows already
	}
	return &singleton.HeldError{Name: t.id.String(), Holder: h}, nil
}

func (a *app) stopCommand() *cobra.Command {
	var kill bool
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the service and wait until it is gone",
		Long: "Stop the service in order and wait until it is gone, whether the manager or somebody else has started it. " +
			"If it does not run, there is nothing to do.\n\nExit code 79 means that the service is gone, but did not stop in order: it had to be forced " +
			"(as --kill does), or a step of the stop failed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			h, unheld := t.holder(cmd.Context()) // the stop itself reports this error
			s, unread := t.state(h)
			served := unread == nil && s.Ready()
			// If the service did not run, it may have been failing by itself.
			pending := "" // a start that this stop prevents
			if errors.Is(unheld, platform.ErrNotRunning) {
				pending = t.triesAgain(cmd.Context())
			}
			switch err := a.stop(cmd, t, kill, pending == ""); {
			case err != nil:
				return err
			case pending != "":
				t.noTryIsLeft(cmd, pending)
			case h.Known() && served:
				return t.inOrder(cmd.Context(), h)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&kill, "kill", false, "kill it if it does not stop in time")
	return cmd
}

// stop stops whatever runs. If tell is set, it reports that nothing runs.
func (a *app) stop(cmd *cobra.Command, t *target, kill, tell bool) error {
	ctx := cmd.Context()
	h, err := t.stopAddressee(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	idle := errors.Is(err, platform.ErrNotRunning)
	switch foreign := t.ours(ctx, "stop"); {
	case foreign != nil && (err != nil || t.kept(ctx, h)):
		return foreign
	case foreign != nil: // the process is ours alone: the manager did not start it
	case t.manager != nil:
		if err := a.managed(cmd, t, "stopping", t.manager.Stop); err != nil && !errors.Is(err, platform.ErrNotInstalled) && !t.programGone() {
			return err
		}
		h, err = t.stopAddressee(ctx)
	}
	if errors.Is(err, platform.ErrNotRunning) {
		if idle && tell {
			fmt.Fprintln(notes(cmd), logsink.Printable(a.inForm(cmd, err).Error())+a.unless(cmd, t, "stop"))
		}
		return nil
	}
	if err != nil {
		return err
	}
	return a.stopDirectly(cmd, t, h, kill)
}

// noTryIsLeft reports what has become of a start that a manager was about to attempt.
func (t *target) noTryIsLeft(cmd *cobra.Command, pending string) {
	if again := t.triesAgain(cmd.Context()); again != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s was not running%s, but %s: stop it then\n", t.id, t.leftover(), again)
		return
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s was not running (%s)%s: it is not restarted\n", t.id, pending, t.leftover())
}

// kept reports whether the manager runs the process h, under whatever definition.
func (t *target) kept(ctx context.Context, h singleton.Holder) bool {
	st, err := t.query(ctx, t.id)
	return err == nil && keeps(st, h.PID, h.Origin)
}

func (a *app) restartCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restart",
		Short: "Restart the service and wait until it is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.target(cmd)
			if err != nil {
				return err
			}
			m, err := t.needManager()
			if err != nil {
				return fmt.Errorf("restart %q: %w; stop it and start it by hand", t.id, err)
			}
			if err := t.ours(cmd.Context(), "restart"); err != nil {
				return err
			}
			if err := a.prestart(cmd, t, "restart"); err != nil { // before the service is stopped
				return err
			}
			if other, err := t.stranger(cmd.Context()); err != nil {
				return err
			} else if other != nil && !other.Holder.Known() {
				return fmt.Errorf("restart %q: %w: no process is signalled", t.id, errUnnamed)
			} else if other != nil {
				if err := a.stopDirectly(cmd, t, other.Holder, false); err != nil {
					return err
				}
			}
			told := a.drift(cmd.Context(), t).ofDefinition(a, t)
			a.tell(cmd, told)
			if err := a.begin(cmd, t, "restart", "restarting", m.Restart); err != nil {
				return err
			}
			after := a.drift(cmd.Context(), t).notes(a, t) // what that could not bring in
			a.tell(cmd, slices.DeleteFunc(after, func(note string) bool { return toldAlready(told, note) }))
			return nil
		},
	}
}

// toldAlready reports whether a note is among those that were printed while the service did
// not run, when there was nothing to restart.
func toldAlready(told []string, note string) bool {
	plain := func(s string) string { return strings.ReplaceAll(s, " --restart", "") }
	return slices.ContainsFunc(told, func(t string) bool { return plain(t) == plain(note) })
}

func (a *app) reloadCommand() *cobra.Command {
	var noWait, direct bool
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Reload the configuration and report the outcome",
		Long: "Reload the configuration and wait for the outcome. If the service refuses the new configuration, " +
			"reload fails and the old one stays in force.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if direct {
				a.manager = "none"
			}
			looked := looking(cmd)
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			var before []string
			if !direct && !noWait { // before the service takes over what an install would refuse
				before = a.drift(cmd.Context(), t).refusals()
				a.tell(cmd, before)
			}
			looked()
			if err := a.reload(cmd, t, !noWait, !direct); err != nil || direct || noWait {
				return err
			}
			a.tell(cmd, t.unread(cmd.Context()))
			after := a.drift(cmd.Context(), t).notes(a, t) // what that could not bring in
			a.tell(cmd, slices.DeleteFunc(after, func(note string) bool { return slices.Contains(before, note) }))
			return nil
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "only ask")
	cmd.Flags().BoolVar(&direct, "direct", false, "signal the process directly, not through the manager (for the manager's own use)")
	return cmd
}

// reload requests a reload. It checks the configuration first, unless the manager itself makes
// the request: then the service answers.
func (a *app) reload(cmd *cobra.Command, t *target, wait, check bool) error {
	look := native.Look(cmd.Context())
	h, err := t.holder(look)
	if foreign := t.ours(look, "reload"); foreign != nil && (err != nil || t.kept(look, h)) {
		return foreign
	}
	if wait && errors.Is(err, platform.ErrNotRunning) && t.begins(look) {
		h, err = a.arriving(cmd, t)
	}
	reads := t.reads(h)
	if err == nil && check && reads != "" && cmd.Flags().Changed("config") {
		return fmt.Errorf("reload %q: the service reads %s, not %s: leave --config out, or install with that file and restart", t.id, oneLine(reads), cmp.Or(t.named, t.configuration()))
	}
	if running := err == nil || errors.Is(err, errUnnamed); running && check && reads == "" {
		if bad := a.checkReload(cmd.Context(), t); bad != nil {
			return fmt.Errorf("reload %q: not requested: %w", t.id, bad)
		}
	}
	if t.manager != nil && wait && (err == nil || errors.Is(err, errUnnamed)) {
		// If we cannot identify the process, the manager may.
		st, e := t.query(cmd.Context(), t.id)
		if e == nil && st.PID != 0 && (err != nil || st.PID == h.PID && !t.programGone()) {
			return a.reloadManaged(cmd, t, h, st.PID)
		}
	}
	if errors.Is(err, platform.ErrNotRunning) {
		return fmt.Errorf("reload: %w%s", err, a.unless(cmd, t, "reload"))
	}
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	return a.reloadDirectly(cmd, t, h, wait)
}

// reads returns the configuration file that the holder reads, if it differs from that of this
// command. "no file" means that the holder reads none.
func (t *target) reads(h singleton.Holder) string {
	s, err := t.state(h)
	switch {
	case err != nil || s.ConfigFile == t.cfg.File || t.badFile != nil && s.ConfigFile == t.named:
		return ""
	case s.ConfigFile == "":
		return "no file"
	}
	return s.ConfigFile
}

// unread returns a note if a reload has not read the file of these commands: for example
// because the file was created after the start of the service.
func (t *target) unread(ctx context.Context) []string {
	if t.cfg.File == "" {
		return nil // these commands have no file
	}
	h, err := t.holder(ctx)
	if reads := t.reads(h); err == nil && reads != "" {
		return []string{fmt.Sprintf("it reads %s and did not load %s: restart it to change that", oneLine(reads), t.cfg.File)}
	}
	return nil
}

// managed lets the manager do something and waits for it. The definition limits the time,
// unless --timeout does.
func (a *app) managed(cmd *cobra.Command, t *target, doing string, do func(context.Context, platform.ID) error) error {
	ctx := cmd.Context()
	if a.timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, a.timeout, platform.ErrTimeout)
		defer cancel()
		ctx = limited
	}
	progress := func() string {
		if s, err := state.Read(t.dirs.StateFile(t.id.String())); err == nil && s.StatusText != "" {
			return doing + ": " + s.StatusText
		}
		return doing
	}
	err := a.whileWaiting(cmd, progress, func() error { return t.patiently(ctx, do) })
	if errors.Is(err, platform.ErrPermission) && t.id.Scope == platform.ScopeSystem && a.Scope() != platform.ScopeSystem {
		return fmt.Errorf("%s %q: a system service: %w: become root", cmd.Name(), t.id, platform.ErrPermission)
	}
	if errors.Is(err, platform.ErrNotInstalled) {
		if scope, d := t.inOtherScope(ctx); d != nil && !d.Ours {
			err = fmt.Errorf("%w: there is one of --scope %s: %v", err, scope, d)
		}
		hint := a.hint(cmd, t, cmd.Name())
		if starts := cmd.Name() == "start" || cmd.Name() == "restart"; hint == "" && starts {
			hint = ": " + a.command(t, "install --start") + " installs and starts it"
		}
		err = fmt.Errorf("%w%s", err, hint)
	}
	return err
}
