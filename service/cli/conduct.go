package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

// programTime limits the time in which a program must report its version or check its
// configuration. It is that of a machine so busy that a start takes a minute.
const programTime = 2 * time.Minute

// conduct performs a whole upgrade in this process. The outcome is in the ledger. The output
// of this process only goes to a log.
func (a *app) conduct(cmd *cobra.Command, t *target, file string, f upgradeFlags) error {
	e, release, err := a.engine(cmd, t, f)
	if err != nil {
		return errors.Join(err, a.reportUnbegun(cmd.Context(), t, file, f, err))
	}
	e.Source = file
	begun := false
	err = a.alone(cmd, cmd.Name(), func() error { // no install or uninstall runs meanwhile
		begun = true
		done, err := e.Run(cmd.Context())
		if f.turn.on {
			err = errors.Join(err, a.reportTurn(cmd.Context(), t, file == "", done))
		}
		if err == nil {
			err = outcome(done)
		}
		if err != nil {
			return fmt.Errorf("%s %q: %w", cmd.Name(), t.id, err)
		}
		return nil
	})
	if !begun {
		err = errors.Join(err, e.Refuse(cmd.Context(), err), a.reportUnbegun(cmd.Context(), t, file, f, err))
	}
	return errors.Join(err, release())
}

// engine returns the engine for upgrades of t. Until release, no other process can have one.
func (a *app) engine(cmd *cobra.Command, t *target, f upgradeFlags) (e *upgrade.Engine, release func() error, err error) {
	lock, err := t.upgradeLock()
	if err != nil {
		return nil, nil, err
	}
	lock.Origin = f.conduct
	release, err = t.Acquire(lock)
	if held, ok := errors.AsType[*singleton.HeldError](err); ok {
		err = t.underWay(held.Holder)
	}
	if err != nil {
		return nil, nil, err
	}
	e = &upgrade.Engine{Machine: a.upgradeMachine(cmd, t), Options: upgrade.Options{
		ID: f.conduct, Service: t.id.String(), Manager: t.manager.Name(), Own: t.id.Scope == platform.ScopeUser, By: f.by, Stable: t.program, SHA256: f.sha256, Key: a.cfg.UpgradeKey,
		TriesFile: filepath.Join(t.dirs.State, t.id.String()+".trial.json"), Config: t.cfg.File,
		Settle: f.settle, Tries: f.tries, Again: f.restart, Timeout: a.timeout, Force: f.force,
	}}
	e.Restore = t.cfg.StartTimeout + t.cfg.StopTimeout + 2*platform.StopMargin
	if e.Timeout == 0 {
		e.Timeout = time.Duration(max(f.tries, 1))*e.Restore + f.settle
		if f.restart {
			e.Timeout += e.Restore + f.settle
		}
	}
	if e.Record, err = t.TrialFile(t.id); err == nil {
		e.Ledger, err = t.ledger()
	}
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return e, release, nil
}

func (a *app) upgradeMachine(cmd *cobra.Command, t *target) upgrade.Machine {
	return upgrade.Machine{
		Status:  t.upgradeStatus,
		Start:   func(ctx context.Context) error { return t.manager.Start(ctx, t.id) },
		Restart: func(ctx context.Context) error { return t.manager.Restart(ctx, t.id) },
		Version: func(ctx context.Context, program string) (string, error) { return a.versionOf(ctx, t, program) },
		Check:   func(ctx context.Context, program string) error { return a.checkByAll(ctx, cmd, t, program) },
		Back:    func(ctx context.Context) error { return a.refusedBack(ctx, t) },
		Printed: t.printed,
		Others:  func(context.Context) []string { return a.outdated(cmd, t) }, Known: func(name string) bool { return slices.Contains(t.sharing(t.id.Scope), name) },
		Pinned: t.pinned,
		Boots:  t.boots, Boottime: proc.Boottime, Now: t.Now, Sleep: sleep,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// boots returns the names of this boot, as this process and as the service see it.
func (t *target) boots() []string {
	var boots []string
	if self, err := proc.Self(); err == nil {
		boots = append(boots, self.Boot)
	}
	if h, err := t.Holder(t.lock()); err == nil && h.Known() && h.Boot != "" {
		boots = append(boots, h.Boot)
	}
	return boots
}

// upgradeStatus returns what `status` knows about the service, in the form that an upgrade
// needs.
func (t *target) upgradeStatus(ctx context.Context, id, candidate string) upgrade.Status {
	r, _ := t.stands(ctx)
	l := upgrade.Status{
		Running: r.PID != 0 || r.again != "" || r.lsb == lsbRunning || r.lsb == lsbUnknown,
		Behind:  r.PID == 0 && r.behind,
		Failed:  r.Phase == platform.PhaseFailed, Stopping: r.Phase == platform.PhaseStopping,
		OnTrial: r.Trial != "" && r.Trial == id || t.Executes(r.PID, candidate),
		Kept:    r.keeper != 0,
		Ready:   r.Ready, Healthy: r.examined,
	}
	if r.ReadyAt != nil {
		l.ReadyAt = *r.ReadyAt
	}
	if e := r.LastExit; e != nil && e.Clean {
		l.Asked = e.Reason
	} else if e != nil {
		l.Why = ending(*e)
		l.Mute = e.Code == platform.ExitUsage && e.Signal == "" && l.Why == e.Words()
	}
	if l.OnTrial && l.Ready && !l.Healthy {
		l.Why = "its health checks have not answered"
	}
	for _, h := range r.Health {
		if !h.OK {
			l.Healthy, l.Why = false, h.Name+": "+h.Error
		}
	}
	return l
}

// executes reports whether the process pid runs exactly the file at path.
func executes(pid int, path string) bool {
	if pid == 0 || path == "" {
		return false
	}
	file, err := os.Stat(path)
	if err != nil {
		return false
	}
	image, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && os.SameFile(file, image)
}

// asUser returns a command line that runs argv as the service's user, with no more rights.
func (a *app) asUser(t *target, argv []string) ([]string, error) {
	who := t.cfg.User
	if dynamicUser(t.cfg) {
		who = "nobody"
	}
	if t.id.Scope != platform.ScopeSystem || who == "" || who == "root" || t.manager.Name() == "scm" { // Windows does not lend its service accounts
		return argv, nil
	}
	image, err := t.image()
	if err != nil {
		return nil, err
	}
	spawn := append(append([]string{image}, a.cfg.Command...), "spawn", "--user", who, "--no-new-privileges")
	if t.cfg.Group != "" {
		spawn = append(spawn, "--group", t.cfg.Group)
	}
	return append(append(spawn, "--"), argv...), nil
}

// ask runs a program as the service's user, within programTime.
func (a *app) ask(ctx context.Context, t *target, argv []string) (string, error) {
	argv, err := a.asUser(t, argv)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, programTime, platform.ErrTimeout)
	defer cancel()
	return leavable(ctx, func() (string, error) { return t.System.Run(ctx, argv...) })
}

// versionOf asks a program for its version. The error says why the program cannot be on trial
// for this service.
func (a *app) versionOf(ctx context.Context, t *target, program string) (string, error) {
	out, err := a.ask(ctx, t, append(append([]string{program}, a.cfg.Command...), "version", "--json"))
	if err != nil {
		return "", err
	}
	var v versions
	switch err := json.Unmarshal([]byte(out), &v); {
	case err != nil:
		return "", errors.New("its `version --json` prints no JSON: it was built with a version of holdfast without upgrades")
	case v.Name != a.cfg.Name:
		return "", fmt.Errorf("it is %q, and not %q", logsink.Printable(v.Name), a.cfg.Name)
	case v.Trial != trial.Format:
		return "", fmt.Errorf("its trials have format %d, but this program's have format %d", v.Trial, trial.Format)
	}
	return logsink.Printable(v.Version), nil
}

// checkBy lets a program check the current configuration.
func (a *app) checkBy(ctx context.Context, t *target, program string) error {
	cfg := t.cfg
	cfg.Command = a.cfg.Command
	u, err := cfg.Unit(program, t.id.Scope)
	if err != nil {
		return err
	}
	out, err := a.ask(ctx, t, u.Commands.Check)
	if err == nil {
		return nil
	}
	const most = 5
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if lines[0] == "" {
		return err
	}
	text := strings.Join(lines[:min(len(lines), most)], "; ")
	return fmt.Errorf("%w: %s", service.ErrConfig, logsink.Printable(text))
}

// refusedBack returns why the installed version could not start again with the current
// configuration. It is nil if it could start, or if the version does not say.
func (a *app) refusedBack(ctx context.Context, t *target) error {
	if err := a.checkBy(ctx, t, t.program); errors.Is(err, service.ErrConfig) {
		return err
	}
	return nil
}

// outcome returns the result of an upgrade as an error with an exit code. It is nil if the
// requested version is confirmed.
func outcome(done upgrade.Attempt) error {
	reason := errors.New(logsink.Printable(strings.ReplaceAll(done.Reason, "\n", "; ")))
	code, state := exitRolledBack, "runs"
	if !done.Tried && done.Result != upgrade.RolledBack {
		state = "stays"
	}
	if !done.Up {
		code, state = exitLeftDown, "stays, but is not ready"
	}
	switch done.Result {
	case upgrade.Confirmed, upgrade.Unchanged:
		if !done.Up {
			return &classedError{fmt.Errorf("%v is confirmed, but not ready", done.To), exitLeftDown}
		}
		return nil
	case upgrade.Refused:
		if done.Up {
			return &classedError{reason, platform.ExitFailed}
		}
		return &classedError{reason, exitLeftDown}
	case upgrade.Interrupted:
		return &classedError{fmt.Errorf("it was interrupted (%w), and %v %s", reason, done.From, state), code}
	}
	return &classedError{fmt.Errorf("%v was rolled back: %w; %v %s", done.To, reason, done.From, state), code}
}
