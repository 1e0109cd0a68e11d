package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
)

// renderer returns the manager that --manager names if it only makes plans.
func (a *app) renderer() (platform.Renderer, bool) {
	if a.manager == "" || a.manager == "auto" || a.manager == "none" {
		return nil, false
	}
	m, err := a.Manager(a.manager)
	if err != nil {
		return nil, false
	}
	r, ok := m.(platform.Renderer)
	return r, ok
}

// rendering has the commands that work with a manager that only makes plans.
var rendering = [...]string{"plan", "check", "print", "show", "migrate", "version", "help", "man", "completion", runName}

// notCarriedOut refuses a command that would act through a manager that only makes plans. The
// error names the command that carries out a plan.
func (a *app) notCarriedOut(cmd *cobra.Command) error {
	r, ok := a.renderer()
	if !ok || slices.Contains(rendering[:], cmd.Name()) {
		return nil
	}
	if dry := cmd.Flags().Lookup("dry-run"); dry != nil && dry.Value.String() == "true" {
		return nil
	}
	return fmt.Errorf("%s: holdfast only renders what %s runs: %w: %s plan --manager %[2]s | %[5]s",
		cmd.Name(), r.Name(), platform.ErrUnsupported, a.root.CommandPath(), r.Apply())
}

// checkRendered refuses the flags of a plan that are about this machine.
func (a *app) checkRendered(cmd *cobra.Command) error {
	r, ok := a.renderer()
	if !ok {
		return nil
	}
	for _, name := range []string{"adopt", "copy-to", "create-user", "diff", "start", "restart"} {
		if cmd.Flags().Changed(name) {
			return usage("--%s is about this machine, which %s does not look at", name, r.Name())
		}
	}
	return nil
}

// showRendered writes what a manager that only makes plans has rendered, and nothing else, for
// the command that carries it out.
func showRendered(cmd *cobra.Command, r platform.Renderer, steps []platform.Step, asJSON bool) error {
	if asJSON {
		return showPlan(cmd.OutOrStdout(), r.Name(), steps, true)
	}
	for _, s := range steps {
		if _, err := cmd.OutOrStdout().Write(s.Content); err != nil {
			return err
		}
	}
	return nil
}
