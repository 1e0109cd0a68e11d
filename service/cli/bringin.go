package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// bringIn finishes an install at the running service. It starts what ran before a takeover,
// and carries out --start and --restart. Then it reports the result of the install, and what
// is in force or not. It reports nothing for an install that will be rolled back.
func (a *app) bringIn(cmd *cobra.Command, t *target, steps []platform.Step, f installFlags, did bool) error {
	d := a.drift(cmd.Context(), t)
	tellDropIns(cmd, d.definition)
	out := confirms(cmd)
	var all []platform.Step
	if f.json {
		out = notes(cmd)
		var err error
		if all, err = a.whole(cmd.Context(), t, steps, f); err != nil {
			return err
		}
	}
	took := stops(steps) && did
	var ready string
	var err error
	switch {
	case d.due() && f.restart:
		ready, err = a.bring(cmd, t, "restart", "restarting", t.manager.Restart)
	case f.start || took:
		if !f.start && !d.due() {
			fmt.Fprintf(out, "The service of the previous definition was stopped: starting %s in its place.\n", t.id)
		}
		if err = a.mayStart(cmd.Context(), t); err == nil {
			ready, err = a.bring(cmd, t, "start", "starting", t.manager.Start)
		}
	}
	if err != nil {
		return err
	}
	switch {
	case f.json:
		all = slices.DeleteFunc(all, func(s platform.Step) bool { // drop what was not done
			record := s.Kind == stepRecord
			return record && !t.wroteRecord || !record && !did
		})
		if err := showPlan(cmd.OutOrStdout(), t.manager.Name(), all, true); err != nil {
			return err
		}
	case did:
		fmt.Fprintf(out, "%s is installed (%s).\n", t.id, t.manager.Name())
	case d.due() || len(d.reload) > 0:
		fmt.Fprintf(out, "%s is installed (%s): its definition has not changed.\n", t.id, t.manager.Name())
	default:
		fmt.Fprintf(out, "%s is installed (%s): nothing has changed.\n", t.id, t.manager.Name())
	}
	switch {
	case d.due() && !f.restart:
		fmt.Fprintf(out, "It still runs as before: a restart is due (%s, or install --restart).\n", a.command(t, "restart"))
		d.old = false // just said
		a.tell(cmd, d.ofProcess(a, t))
	case !d.due() && len(d.reload) > 0 && (f.start || !took):
		a.tell(cmd, d.ofProcess(a, t))
	}
	if ready != "" {
		fmt.Fprintln(out, ready)
	}
	return nil
}

// stops reports whether the steps stop a service that is to run in the end.
func stops(steps []platform.Step) bool {
	return slices.ContainsFunc(steps, func(s platform.Step) bool { return s.Stops })
}

// These kinds of steps follow a plan. They are only shown to people.
const (
	stepRecord  platform.StepKind = "record" // like write-file
	stepRestart platform.StepKind = "restart"
)

// whole returns everything that an install with these steps does. After them it records its
// options, and the manager starts or restarts the service.
func (a *app) whole(ctx context.Context, t *target, steps []platform.Step, f installFlags) ([]platform.Step, error) {
	all := slices.Concat(t.defaultFile.steps, steps)
	if path, err := t.Manifest(t.id); err == nil && a.here() {
		next := t.next(f.told, len(t.changes(ctx, steps)) > 0)
		record, err := state.WriteManifestStep(path, &next)
		if err != nil {
			return nil, err
		}
		record.Kind = stepRecord
		all = append(all, record)
	}
	d := a.drift(ctx, t)
	m := t.manager.Name()
	switch {
	case f.restart && d.running && (d.due() || len(t.changes(ctx, steps)) > 0 || t.replaces(steps)):
		all = append(all, platform.Step{Kind: stepRestart, Describe: "let " + m + " restart the service, and wait until it is ready"})
	case f.start || stops(steps):
		all = append(all, platform.Step{Kind: platform.StepStart, Describe: "let " + m + " start the service, and wait until it is ready"})
	}
	return all, nil
}

// replaces reports whether the steps replace the program by another one.
func (t *target) replaces(steps []platform.Step) bool {
	return slices.ContainsFunc(steps, func(s platform.Step) bool {
		return s.Kind == platform.StepCopyFile && !t.sameFiles(s.Source, s.Path)
	})
}
