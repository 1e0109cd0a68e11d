package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// A drift describes how the configuration, the installation and the running process differ. It
// is the one comparison that all commands use.
type drift struct {
	changes []change  // that an install would now make in the definition
	install []string  // configuration keys that cause these changes, as far as known
	old     bool      // the process was started by a definition older than the last install
	program bool      // the process runs another program than the one on disk
	restart []string  // changed keys that take effect at a start
	reload  []string  // changed keys that take effect at a reload
	refused []finding // why an install would be refused, if it would change something
	running bool      // under the manager

	definition *platform.Definition // the manager's definition
}

// drift compares them. If an installation has no record (one from a package, or from an older
// version), only its process can be compared.
func (a *app) drift(ctx context.Context, t *target) drift {
	ctx = native.Look(ctx)
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

// refusal returns what an install would refuse in the configuration. err is the error of its
// plan. The program itself is not asked, because it cannot say whether it can be installed.
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

// startedFrom returns the program that the manager starts, for a process that it has started.
// It is empty if it is not known.
func (t *target) startedFrom(kept bool) string {
	if !kept {
		return ""
	}
	return t.manifest.Program
}

// programGone reports whether the program that the manager executes for a reload, and
// sometimes for a stop, no longer exists. In that case we ask the process ourselves.
func (t *target) programGone() bool {
	program := t.manifest.Program
	return program != "" && t.Gone(program)
}

// keys sets the keys that cause the changes. With unknown, it also does so if there are no
// known changes.
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

// process compares the configuration with the running process, which runs prog.
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
	d.program = s.Trial == "" && t.Replaced(h, t.startedFrom(true)) // a candidate differs from what is installed on purpose
	if s.Settings == nil || s.ConfigFile != t.cfg.File {            // its program does not report settings, or uses another file
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
	if err != nil { // we may not read it, or the process has an older version
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

// due reports whether a restart would put something into force.
func (d drift) due() bool { return d.running && (d.old || d.program || len(d.restart) > 0) }

// newerProgram is the note about a process whose program was replaced.
const newerProgram = "the program on disk is newer than the running one: `restart` applies it"

// notes describes the differences, each with the command that removes it.
func (d drift) notes(a *app, t *target) []string {
	return append(d.ofDefinition(a, t), d.ofProcess(a, t)...)
}

// ofProcess returns the notes about what the running process does not have in force.
func (d drift) ofProcess(a *app, t *target) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if d.program {
		note(newerProgram)
	}
	if d.old {
		note("the process was started under the definition before the last install: %s applies the new one", a.command(t, "restart"))
	}
	if len(d.restart) > 0 {
		note("changed since the start: %s: %s applies that", strings.Join(d.restart, ", "), a.command(t, "restart"))
	}
	if len(d.reload) > 0 {
		note("changed, but not loaded yet: %s: %s applies that", strings.Join(d.reload, ", "), a.command(t, "reload"))
	}
	return notes
}

// refusals returns the notes about what every install would refuse.
func (d drift) refusals() []string {
	var notes []string
	for _, f := range d.refused {
		notes = append(notes, fmt.Sprintf("not in force, and install would refuse it: %v", f))
	}
	return notes
}

// ofDefinition returns the notes about what install would change.
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
		return []string{fmt.Sprintf("changed in the configuration, but not in %s's definition of the service: %s: %s applies that",
			t.manager.Name(), strings.Join(d.install, ", "), install)}
	}
	return []string{fmt.Sprintf("%s's definition of the service differs from what install would write now (%s shows it): %s updates it",
		t.manager.Name(), a.command(t, "plan --diff"), install)}
}

// tell prints notes that go beyond the result of a command.
func (a *app) tell(cmd *cobra.Command, all []string) {
	for _, n := range all {
		fmt.Fprintf(notes(cmd), "- %s\n", n)
	}
}

// command returns the command line of a verb for this service.
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
