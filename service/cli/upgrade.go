package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

// These are exit codes of `upgrade` and `rollback`, in addition to those of all commands.
const (
	exitRolledBack = 10 // the previous version runs again, or should
	exitLeftDown   = 11 // the previous version is not ready
)

// upgradeFlags has the flags of `upgrade` and `rollback`.
type upgradeFlags struct {
	sha256  string
	settle  time.Duration
	tries   int
	restart bool
	force   bool
	json    bool
	conduct string // the id of the upgrade that this process conducts
	by      string // who requested it
	turn    turnFlags
}

const settleTime = 10 * time.Second

func (a *app) addUpgradeFlags(cmd *cobra.Command, f *upgradeFlags) {
	cmd.Flags().DurationVar(&f.settle, "settle", settleTime, "confirm the candidate, the version on trial, after it was ready and healthy for `DURATION`")
	cmd.Flags().IntVar(&f.tries, "tries", 1, "start the candidate `N` times at most until it is confirmed: the manager restarts it after a crash")
	cmd.Flags().BoolVar(&f.restart, "restart", false, "after --settle, restart the candidate in order, and wait for --settle again")
	cmd.Flags().BoolVar(&f.force, "force", false, "accept a version that was rolled back before, and a trial without a way back")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the outcome as JSON, one object")
	cmd.Flags().StringVar(&f.conduct, "conduct", "", "perform the upgrade `ID` in this process")
	cmd.Flags().StringVar(&f.by, "by", "", "who requested it")
	addTurnFlags(cmd, &f.turn)
	for _, own := range []string{"conduct", "by"} {
		_ = cmd.Flags().MarkHidden(own)
	}
}

const upgradeOutcome = "\n\nA separate process performs the upgrade. It continues if this command is interrupted or loses its terminal. " +
	"Exit code: 0 confirmed, or confirmed already; 1 refused before the service was touched; 10 rolled back, and the previous version runs; " +
	"11 rolled back, and the service is not ready; 75 another upgrade is under way."

func (a *app) upgradeCommand() *cobra.Command {
	var f upgradeFlags
	cmd := &cobra.Command{
		Use:   "upgrade FILE",
		Short: "Upgrade the program, and roll back if the new version fails",
		Long: "Upgrade the program to FILE.\n\n" +
			"FILE is checked first: its digest, that it is for this machine and this service, and that it accepts the current configuration. " +
			"Then it runs on trial in the place of the installed program. It is confirmed when its health checks have answered and it has been ready and healthy for --settle.\n\n" +
			"If it fails, or is not confirmed within --timeout, the installed version runs again. The failed version is refused from then on, except with --force. " +
			"A trial is also refused while the installed version rejects the current configuration, because a rollback would be impossible. " +
			"The installed path leads to a confirmed version at all times. A stopped service stays stopped: FILE is checked and confirmed without a trial." + turnHelp + upgradeOutcome,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("upgrade needs the FILE of the new version")
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return a.upgrade(cmd, "upgrade", path, f)
		},
	}
	cmd.Flags().StringVar(&f.sha256, "sha256", "", "refuse FILE unless its SHA-256 is `HEX`")
	a.addUpgradeFlags(cmd, &f)
	return cmd
}

func (a *app) rollbackCommand() *cobra.Command {
	var f upgradeFlags
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Go back to the previous version",
		Long:  "Go back to the previous version, with the same trial as `upgrade`. With --in-turn, go back from a rollout that was stopped, in the turn of this machine." + upgradeOutcome,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.upgrade(cmd, "rollback", "", f) },
	}
	a.addUpgradeFlags(cmd, &f)
	return cmd
}

func (a *app) upgrade(cmd *cobra.Command, verb, file string, f upgradeFlags) error {
	const most = 100
	if f.tries < 1 || f.tries > most {
		return usage("--tries takes 1 to %d", most)
	}
	if f.settle < 0 {
		return usage("--settle takes 0 or more")
	}
	if err := f.turn.check(cmd); err != nil {
		return err
	}
	t, err := a.target(cmd)
	if err == nil {
		err = a.mayUpgrade(cmd.Context(), t, verb)
	}
	if err != nil {
		return err
	}
	if f.conduct != "" {
		return a.conduct(cmd, t, file, f)
	}
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("upgrade %q: %w", t.id, err)
		}
		if reason := exposed(file); reason != "" && f.sha256 == "" && a.cfg.UpgradeKey == "" {
			return fmt.Errorf("upgrade %q: %s: %w: %s: it may not be the file that you expect: give its digest with --sha256", t.id, file, files.ErrUntrusted, reason)
		}
	}
	if f.turn.on {
		return a.upgradeInTurn(cmd, t, verb, file, f)
	}
	if f.conduct, err = newUpgradeID(t.Now()); err != nil {
		return err
	}
	done, _, err := a.perform(cmd, t, verb, file, f)
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, t.id, err)
	}
	return a.showOutcome(cmd, t, verb, done, f.json)
}

// perform has another process perform the upgrade f.conduct, and waits for its outcome. begun
// reports whether that process was started; it then continues whatever the error.
func (a *app) perform(cmd *cobra.Command, t *target, verb, file string, f upgradeFlags) (done upgrade.Attempt, begun bool, err error) {
	err = t.noOtherUpgrade(cmd.Context(), "")
	if err == nil {
		err = a.cutOffElsewhere(t)
	}
	if err != nil {
		return done, false, err
	}
	if err := t.Detach(cmd.Context(), t.manager.Name(), t.id.Scope, f.conduct, a.conductor(cmd, verb, file, f)); err != nil {
		return done, false, fmt.Errorf("start the process that performs it: %w", err)
	}
	done, err = a.follow(cmd, t, f.conduct)
	return done, true, err
}

// mayUpgrade refuses an upgrade for reasons that are known at once.
func (a *app) mayUpgrade(ctx context.Context, t *target, verb string) error {
	refuse := func(err error) error { return fmt.Errorf("%s %q: %w", verb, t.id, err) }
	m, err := t.needManager()
	if err != nil {
		return refuse(err)
	}
	if a.elsewhere() {
		return usage("%s is for this machine and its manager", verb)
	}
	if err := t.ours(ctx, verb); err != nil {
		return err
	}
	st, err := query(ctx, m, t.id)
	switch {
	case err != nil:
		return refuse(err)
	case !st.Installed:
		return refuse(platform.ErrNotInstalled)
	case t.id.Scope == platform.ScopeSystem && a.Scope() != platform.ScopeSystem:
		return refuse(fmt.Errorf("a system service: %w: become root", platform.ErrPermission))
	case !a.Privileged():
		return refuse(fmt.Errorf("a system service: %w: try it %s", platform.ErrPermission, privileged))
	case t.badManifest != nil:
		return refuse(t.badManifest)
	case t.manifest.Program == "":
		return refuse(fmt.Errorf("there is no record of its installation: %s creates one", a.command(t, "install")))
	}
	t.program = t.manifest.Program
	if reason := alterable(t.program); reason != "" {
		return refuse(fmt.Errorf("the installed program %s: %w: %s", t.program, files.ErrUntrusted, reason))
	}
	if owner := t.packageOf(ctx, t.program); owner != nil {
		return refuse(owner)
	}
	if all := t.sharing(platform.ScopeSystem); t.id.Scope == platform.ScopeUser && len(all) > 0 {
		return refuse(fmt.Errorf("the installed program %s also belongs to a system service (%s): %w: upgrade that service", t.program, enumerate(all), platform.ErrPermission))
	}
	return nil
}

// noOtherUpgrade refuses while another process than the conductor of the upgrade id conducts
// one. The exit code is then 75. A holder that cannot be identified may be that conductor, which
// is about to write its record.
func (t *target) noOtherUpgrade(ctx context.Context, id string) error {
	lock, err := t.upgradeLock()
	if err != nil {
		return err
	}
	h, err := t.probe(ctx, lock)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, singleton.ErrFree) || err == nil && id != "" && (h.Origin == id || !h.Known()) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.underWay(h)
}

// underWay returns the error for a second upgrade. It says who began the first one, and when.
func (t *target) underWay(h singleton.Holder) error {
	who, since := h.User(), h.Since
	if path, err := t.ledger(); err == nil {
		if l, err := upgrade.ReadLedger(path); err == nil && l.Last != nil && l.Last.Result == "" && l.Last.ID == h.Origin {
			who, since = l.Last.By, l.Last.Since
		}
	}
	return &classedError{fmt.Errorf("another one is under way: by %s, since %s (%s)", who, since.Local().Format(time.DateTime), heldBy(h)), platform.ExitAlreadyRunning}
}

func newUpgradeID(now time.Time) (string, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:]), nil
}

// conductor returns the command line of the process that conducts the upgrade.
func (a *app) conductor(cmd *cobra.Command, verb, file string, f upgradeFlags) []string {
	argv := append(append([]string{""}, a.cfg.Command...), verb)
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Name != "json" && flag.Name != quietName && (flag.Name != "sha256" || file != "") {
			argv = append(argv, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	argv = append(argv, "--conduct="+f.conduct, "--by="+whoAsks())
	if file != "" {
		argv = append(argv, "--", file)
	}
	return argv
}

// whoAsks returns the name of the person behind this process, as far as it is known.
func whoAsks() string {
	name := fmt.Sprint("user ", os.Geteuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if behind := os.Getenv("SUDO_USER"); behind != "" && behind != name {
		name = behind + " as " + name
	}
	return logsink.Printable(name)
}
