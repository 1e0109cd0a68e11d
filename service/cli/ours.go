package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
)

// ours refuses a verb if the manager has a definition of that name which holdfast did not
// make. If the manager does not answer, the verb itself will fail or succeed.
func (t *target) ours(ctx context.Context, verb string) error {
	if t.manager == nil {
		return nil
	}
	st, err := t.query(ctx, t.id)
	if err != nil {
		return nil //nolint:nilerr // the verb itself will report this error
	}
	err = st.Definition.Refuse(verb)
	switch {
	case err != nil && t.otherManager != "":
		return fmt.Errorf("%s %q: it was installed with --manager %s, so give that flag: %w", verb, t.id, t.otherManager, err)
	case err != nil:
		return fmt.Errorf("%s %q: %w", verb, t.id, err)
	}
	return nil
}

// inOtherScope returns the definition with the same name in the other scope. It is nil if
// there is none, or if we may not see it.
func (t *target) inOtherScope(ctx context.Context) (platform.Scope, *platform.Definition) {
	other := platform.ScopeUser
	if t.id.Scope == platform.ScopeUser {
		other = platform.ScopeSystem
	}
	if t.manager == nil {
		return other, nil
	}
	id := t.id
	id.Scope = other
	st, err := t.query(ctx, id)
	if err != nil {
		return other, nil
	}
	return other, st.Definition
}

// definitions records what people should know about the definition: that it is not ours, what
// overrides it, and that there is another one.
func (r *report) definitions(ctx context.Context, t *target) {
	if d := r.Definition; d != nil {
		if err := d.Refuse("status"); err != nil {
			r.note(fmt.Sprintf("%s has a service of this name that holdfast did not make (%s%s): %v", r.Manager, r.foreignPhase, enabledText(r.Enabled), err))
		}
		for _, drop := range d.DropIns {
			r.note("changed from outside: " + drop.String())
		}
	}
	if scope, d := t.inOtherScope(ctx); d != nil {
		r.note(fmt.Sprintf("there is another service of this name, --scope %s: %v", scope, d))
	}
}

func enabledText(enabled bool) string {
	if enabled {
		return ", starts at boot"
	}
	return ""
}

// before warns about settings of u that the manager does not honour fully, and about what an
// install of u neither replaces nor removes. For a takeover it shows the difference.
func (t *target) before(cmd *cobra.Command, u platform.Unit, steps []platform.Step) {
	w := cmd.ErrOrStderr()
	if m, ok := t.manager.(platform.Warner); ok {
		for _, warning := range m.Warnings(cmd.Context(), u) {
			fmt.Fprintf(w, "- warning: %s\n", warning)
		}
	}
	if t.otherManager != "" {
		fmt.Fprintf(w, "- it is also installed with --manager %s, which stays and might start it, too\n", t.otherManager)
	}
	if scope, d := t.inOtherScope(cmd.Context()); d != nil {
		fmt.Fprintf(w, "- there is another service of this name, --scope %s, which stays: %v\n", scope, d)
	}
	st, err := t.query(cmd.Context(), t.id)
	t.present = err == nil && st.Installed
	if err != nil || st.Definition == nil {
		return
	}
	if !st.Definition.Ours {
		fmt.Fprintf(w, "- takes over %v:\n", st.Definition)
		for _, line := range t.takenOver(cmd.Context(), st.Definition, steps) {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

// laidOver reports what others have put over the current definition.
func (t *target) laidOver(cmd *cobra.Command) {
	if st, err := t.query(cmd.Context(), t.id); err == nil {
		tellDropIns(cmd, st.Definition)
	}
}

func tellDropIns(cmd *cobra.Command, d *platform.Definition) {
	if d == nil {
		return
	}
	for _, drop := range d.DropIns {
		fmt.Fprintf(notes(cmd), "- this overrides the definition and stays in force: %v\n", drop)
	}
}

// takenOver returns the difference between the definition d and what an install writes over
// it. d may be at another path.
func (t *target) takenOver(ctx context.Context, d *platform.Definition, steps []platform.Step) (lines []string) {
	for _, s := range steps {
		switch {
		case s.Kind == platform.StepWriteFile: // only the last such step: those before it save the old files
			before, err := t.System.ReadFile(d.Path)
			if err != nil {
				return []string{fmt.Sprintf("(%v)", err)}
			}
			lines = difference(string(before), string(s.Content))
		case s.Payload != nil:
			if _, l := t.changedPayload(ctx, s); l != nil {
				lines = l
			}
		}
	}
	return lines
}
