package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// drift is how far the configuration, what is installed, and what runs are apart:
// the one comparison that all commands make.
type drift struct {
	changes []change  // that an install would make in the definition now
	install []string  // keys of the configuration that are behind them, as far as it is known
	old     bool      // what runs was started by a definition of before the last install
	program bool      // what runs is another program than what is there by now
	restart []string  // keys that what runs takes when it starts
	reload  []string  // keys that it takes by a reload
	refused []finding // why an install would be refused, where it would bring in something
	running bool      // by the manager

	definition *platform.Definition // that the manager has
}

// drift compares. Of an installation without a record (of a package, of an older
// version) it cannot be said what it would be now, and of its process it can.
func (a *app) drift(ctx context.Context, t *target) drift {
	var d drift
	if t.manager == nil || t.badFile != nil {
		return d
	}
	st, err := t.query(ctx, t.id)
	if err != nil || !st.Installed {
		return d
	}
	d.definition = st.Definition
	d.process(ctx, t, a.prog)
	if t.manifest.Format == 0 {
		return d
	}
	u, err := t.cfg.Unit(t.manifest.Program, t.id.Scope)
	if err == nil {
		var steps []platform.Step
		if steps, err = t.manager.Plan(ctx, u); err == nil {
			d.changes = t.changes(ctx, steps)
		}
	}
	d.keys(t, err != nil)
	if len(d.changes)+len(d.install) > 0 {
		d.refused = a.refusal(ctx, t, err)
	}
	return d
}

// refusal is what of the configuration an install would refuse, whose plan has failed
// with err. The program itself is not asked: whether it can be installed, it cannot say.
func (a *app) refusal(ctx context.Context, t *target, err error) []finding {
	if errors.Is(err, platform.ErrForeign) || err != nil && !errors.Is(err, platform.ErrBadUnit) && !errors.Is(err, service.ErrConfig) {
		return nil
	}
	if err != nil {
		err = t.located(err, true)
	}
	_, missing := t.account(ctx)
	bad := service.BadConfig(err, missing, t.checkDirectories())
	if bad == nil || ctx.Err() != nil {
		return nil
	}
	return findings(bad)
}

// startedFrom is the program that the manager starts, for a process that it has
// started; empty if it is not known.
func (t *target) startedFrom(kept bool) string {
	if !kept {
		return ""
	}
	return t.manifest.Program
}

// programGone reports whether what the manager executes for a reload, on some for a
// stop, too, is not there any more: then we ask the process ourselves.
func (t *target) programGone() bool {
	program := t.manifest.Program
	return program != "" && t.Gone(program)
}

// keys are those behind the changes, or behind changes that are not known.
func (d *drift) keys(t *target, unknown bool) {
	if len(d.changes) == 0 && !unknown {
		return
	}
	for _, key := range service.Differing(t.manifest.Settings, t.cfg.Settings()) {
		if service.Takes(t.manager.Name(), t.id.Scope, key) == service.TakenByInstall {
			d.install = append(d.install, key)
		}
	}
}

// process compares with what runs, which is prog.
func (d *drift) process(ctx context.Context, t *target, prog service.Program) {
	h, err := t.probe(ctx, t.lock())
	if err != nil || !h.Known() || !t.kept(ctx, h) {
		return
	}
	s, err := t.state(h)
	if err != nil {
		return
	}
	d.running, d.old = true, s.StartedAt.Before(t.manifest.Changed)
	d.program = s.Trial == "" && t.Replaced(h, t.startedFrom(true)) // a candidate is not what is installed, and is meant to be
	if s.Settings == nil || s.ConfigFile != t.cfg.File {            // its program says nothing of it, or means another file
		return
	}
	for _, key := range service.Differing(s.Settings, t.cfg.Settings()) {
		switch service.Takes(t.manager.Name(), t.id.Scope, key) {
		case service.TakenByReload:
			d.reload = append(d.reload, key)
		case service.TakenByRestart:
			d.restart = append(d.restart, key)
		}
	}
	inForce, err := leavable(ctx, func() (map[string]string, error) {
		return state.ReadProgramSettings(t.dirs.SettingsFile(t.id.String()), h.Identity)
	})
	if err != nil { // it is not for us to read, or the process is of an older version
		return
	}
	for _, key := range service.Differing(inForce, t.cfg.ProgramSettings()) {
		if service.TakenByProgram(prog, key) == service.TakenByReload {
			d.reload = append(d.reload, key)
		} else {
			d.restart = append(d.restart, key)
		}
	}
}

// due reports whether a restart would bring something into force.
func (d drift) due() bool { return d.running && (d.old || d.program || len(d.restart) > 0) }

// newerProgram is the note on a process whose program was replaced.
const newerProgram = "the program on disk is newer than the one that runs: restart brings it in"

// notes say it, with the command that brings things together.
func (d drift) notes(a *app, t *target) []string {
	return append(d.ofDefinition(a, t), d.ofProcess(a, t)...)
}

// ofProcess are the notes on what the running process does not have in force.
func (d drift) ofProcess(a *app, t *target) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if d.program {
		note(newerProgram)
	}
	if d.old {
		note("what runs was started under the definition before the last install: %s brings that in", a.command(t, "restart"))
	}
	if len(d.restart) > 0 {
		note("changed since it was started: %s: %s brings that in", strings.Join(d.restart, ", "), a.command(t, "restart"))
	}
	if len(d.reload) > 0 {
		note("changed, and not taken yet: %s: %s brings that in", strings.Join(d.reload, ", "), a.command(t, "reload"))
	}
	return notes
}

// refusals are the notes on what no install would take.
func (d drift) refusals() []string {
	var notes []string
	for _, f := range d.refused {
		notes = append(notes, fmt.Sprintf("not in force, and install would refuse it: %v", f))
	}
	return notes
}

// ofDefinition is the note that says what install would change.
func (d drift) ofDefinition(a *app, t *target) []string {
	install := a.command(t, "install")
	if d.running {
		install += " --restart"
	}
	switch {
	case len(d.refused) > 0:
		return d.refusals()
	case len(d.changes) == 0:
		return nil
	case len(d.install) > 0:
		return []string{fmt.Sprintf("changed in the configuration, and not in %s's definition of the service: %s: %s brings that in",
			t.manager.Name(), strings.Join(d.install, ", "), install)}
	}
	return []string{fmt.Sprintf("%s's definition of the service is not what install would write now (%s shows it): %s brings it up to date",
		t.manager.Name(), a.command(t, "plan --diff"), install)}
}

// tell says notes where somebody has asked for something else.
func (a *app) tell(cmd *cobra.Command, all []string) {
	for _, n := range all {
		fmt.Fprintf(notes(cmd), "- %s\n", n)
	}
}

// command is how a person calls verb for this very service.
func (a *app) command(t *target, verb string) string {
	line := a.root.CommandPath() + " " + verb
	if t.id.Instance != "" {
		line += " --instance " + t.id.Instance
	}
	if t.id.Scope != a.Scope() {
		line += " --scope " + string(t.id.Scope)
	}
	if a.elsewhere() {
		line += " --manager " + a.manager
	}
	return line
}
