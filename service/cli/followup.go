package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
)

// followEvery is the time between two reads of the ledger. followFirst limits the wait until
// the upgrade appears there.
const (
	followEvery = 50 * time.Millisecond
	followFirst = turnWait + time.Minute
	// followGone limits the wait until the conductor has ended.
	followGone = time.Minute
)

// follow reports an upgrade that another process conducts, and returns when it has an outcome.
// If that process is killed, follow recovers the upgrade itself.
func (a *app) follow(cmd *cobra.Command, t *target, id string) (upgrade.Attempt, error) {
	path, err := t.ledger()
	if err != nil {
		return upgrade.Attempt{}, err
	}
	ctx := cmd.Context()
	begun := t.Now()
	step := ""
	for {
		l, err := upgrade.ReadLedger(path)
		if err != nil {
			return upgrade.Attempt{}, err
		}
		switch {
		case l.Last == nil || l.Last.ID != id:
			if err := t.noOtherUpgrade(ctx, id); err != nil {
				return upgrade.Attempt{}, err
			}
			if t.Now().Sub(begun) > followFirst {
				return upgrade.Attempt{}, errors.New("the process that should perform it did not start: see the system log")
			}
		case l.Last.Result != "":
			return *l.Last, t.letGo(ctx, id)
		case l.Last.Step != step:
			step = l.Last.Step
			fmt.Fprintf(notes(cmd), "- %s\n", step)
		default:
			if alive, err := t.Alive(l.Last.Conductor); err == nil && !alive {
				return a.recoverUpgrade(cmd, t, id)
			}
		}
		if err := sleep(ctx, followEvery); err != nil {
			return upgrade.Attempt{}, fmt.Errorf("%w: it continues without this command: %s shows the outcome", err, a.command(t, "versions"))
		}
	}
}

// letGo returns when the conductor of the upgrade id, which has written its outcome, no longer
// blocks the next one. If that takes too long, letGo returns all the same.
func (t *target) letGo(ctx context.Context, id string) error {
	lock, err := t.upgradeLock()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, followGone)
	defer cancel()
	for {
		if h, err := t.probe(ctx, lock); err != nil || h.Origin != id {
			return nil //nolint:nilerr // whoever holds the lock, it is not the conductor
		}
		if sleep(ctx, followEvery) != nil {
			return nil
		}
	}
}

// recoverUpgrade recovers an upgrade whose conductor was killed. It waits for its turn for a
// limited time, like an install or uninstall, and says who has the turn.
func (a *app) recoverUpgrade(cmd *cobra.Command, t *target, id string) (upgrade.Attempt, error) {
	e, release, err := a.engine(cmd, t, upgradeFlags{conduct: id + "-recover"})
	if err != nil {
		return upgrade.Attempt{}, err
	}
	begun := false
	err = a.alone(cmd, cmd.Name(), func() error { begun = true; return e.Recover(cmd.Context()) })
	if !begun {
		err = errors.Unwrap(err) // our callers name the service
	}
	err = errors.Join(err, release())
	l := e.Versions()
	if err == nil && (l.Last == nil || l.Last.Result == "") {
		err = errors.New("its record is gone")
	}
	if err != nil {
		return upgrade.Attempt{}, err
	}
	return *l.Last, nil
}

// cutOffElsewhere returns the error for an action that an interrupted upgrade of the program
// prevents, if that upgrade was made through another service. Otherwise it is nil.
func (a *app) cutOffElsewhere(t *target) error {
	path, err := t.ledger()
	if err != nil {
		return err
	}
	l, err := upgrade.ReadLedger(path)
	if err != nil || l.Last == nil || l.Last.Result != "" || !slices.Contains(t.sharing(t.id.Scope), l.Last.Service) {
		return err
	}
	name, instance, _ := strings.Cut(l.Last.Service, "@")
	then := "`versions` of that service repairs it"
	if name == t.id.Name {
		other := *t
		other.id.Instance, other.cfg.Instance = instance, instance
		then = a.command(&other, "versions") + " repairs it"
	}
	return fmt.Errorf("%w: %s", &upgrade.ElsewhereError{Service: l.Last.Service}, then)
}

// showOutcome prints the outcome, and returns it with its exit code.
func (a *app) showOutcome(cmd *cobra.Command, t *target, verb string, done upgrade.Attempt, asJSON bool) error {
	err := outcome(done)
	out := cmd.OutOrStdout()
	if asJSON {
		e := writeJSON(out, struct {
			Service string `json:"service"`
			upgrade.Attempt
		}{t.id.String(), done})
		if e != nil {
			return e
		}
		if err != nil {
			return &exitError{ExitCode(err)}
		}
		return nil
	}
	for _, n := range done.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "- %s\n", oneLine(n))
	}
	for _, name := range done.Others {
		fmt.Fprintf(cmd.ErrOrStderr(), "- %s shares the program with it, and runs the previous version until it is restarted\n", oneLine(name))
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, t.id, err)
	}
	switch {
	case done.Result == upgrade.Unchanged:
		if h, err := t.Holder(t.lock()); err == nil && h.Known() && t.Replaced(h, t.startedFrom(true)) {
			fmt.Fprintf(cmd.ErrOrStderr(), "- it still runs another version: %s switches to it\n", a.command(t, "restart"))
		}
		fmt.Fprintf(confirms(cmd), "%s is already %v.\n", t.id, done.To)
	case !done.Tried:
		fmt.Fprintf(confirms(cmd), "%s is %v now: %s.\n", t.id, done.To, oneLine(done.Reason))
	default:
		fmt.Fprintf(confirms(cmd), "%s is %v now, and was %v; it was down for %v.\n", t.id, done.To, done.From, done.Downtime.Round(time.Millisecond))
	}
	return nil
}

// A versionsReport is the output of `versions --json`. Fields are only ever added to it.
type versionsReport struct {
	Service   string            `json:"service"`
	Program   string            `json:"program"`
	Confirmed upgrade.Version   `json:"confirmed"`
	Previous  *upgrade.Version  `json:"previous"`
	Kept      []upgrade.Version `json:"kept"`
	Failed    []upgrade.Failure `json:"failed"`
	OnTrial   *upgrade.Attempt  `json:"on_trial"`
	Last      *upgrade.Attempt  `json:"last"`
}

func (a *app) versionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "List the versions of the program: confirmed, kept, failed, on trial",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			r, err := a.versionsOf(cmd, t)
			if err != nil {
				return fmt.Errorf("versions %q: %w", t.id, err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), r)
			}
			r.print(cmd)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

func (a *app) versionsOf(cmd *cobra.Command, t *target) (versionsReport, error) {
	ctx := cmd.Context()
	r := versionsReport{Service: t.id.String(), Program: t.manifest.Program, Kept: []upgrade.Version{}, Failed: []upgrade.Failure{}}
	if t.badManifest != nil { // without it, nobody knows which program it is
		return r, t.badManifest
	}
	path, err := t.ledger()
	if err != nil {
		return r, err
	}
	l, err := upgrade.ReadLedger(path)
	if err != nil {
		return r, err
	}
	if l.Last != nil && l.Last.Result == "" && t.noOtherUpgrade(ctx, "") == nil && a.mayUpgrade(ctx, t, "versions") == nil {
		if err := a.cutOffElsewhere(t); err != nil {
			return r, err
		}
		if _, err := a.recoverUpgrade(cmd, t, l.Last.ID); err != nil {
			return r, err
		}
		if l, err = upgrade.ReadLedger(path); err != nil {
			return r, err
		}
	}
	r.Confirmed, r.Last = l.Confirmed, l.Last
	r.Kept, r.Failed = append(r.Kept, l.Kept...), append(r.Failed, l.Failed...)
	if len(r.Kept) > 0 {
		r.Previous = &r.Kept[0]
	}
	if l.Last != nil && l.Last.Result == "" {
		r.OnTrial = l.Last
	}
	if r.Program != "" { // it may have been replaced by hand
		digest, err := upgrade.Digest(installed(r.Program))
		switch {
		case err == nil && digest != r.Confirmed.SHA256:
			r.Confirmed = upgrade.Version{SHA256: digest, Version: a.ownVersion(r.Program)}
		case err != nil && r.Confirmed.SHA256 == "":
			return r, err
		}
	}
	if r.Confirmed.SHA256 == "" {
		return r, platform.ErrNotInstalled
	}
	r.Confirmed.Path = r.Program
	return r, nil
}

// installed returns the file at path, or the target of the link at path. With a link,
// something else switches versions.
func installed(path string) string {
	if image, err := filepath.EvalSymlinks(path); err == nil {
		return image
	}
	return path
}

// ownVersion returns the version of the program at path, if that is this very program.
func (a *app) ownVersion(path string) string {
	if image, err := a.image(); err != nil || image != installed(path) {
		return ""
	}
	return a.cfg.Version
}

func (r versionsReport) print(cmd *cobra.Command) {
	line := func(key, format string, args ...any) {
		fmt.Fprintf(cmd.OutOrStdout(), "%10s  %s\n", key, oneLine(fmt.Sprintf(format, args...)))
	}
	when := func(t time.Time) string { return t.Local().Format(time.DateTime) }
	since := ""
	if !r.Confirmed.Since.IsZero() {
		since = ", since " + when(r.Confirmed.Since)
	}
	line("confirmed", "%v%s", r.Confirmed, since)
	if t := r.OnTrial; t != nil {
		line("on trial", "%v, by %s, since %s: %s", t.To, t.By, when(t.Since), t.Step)
	}
	for i, v := range r.Kept {
		key := "kept"
		if i == 0 {
			key = "previous"
		}
		line(key, "%v", v)
	}
	for _, f := range r.Failed {
		line("failed", "%v, on %s: %s", f.Version, when(f.At), f.Reason)
	}
}
