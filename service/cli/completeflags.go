package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeFlags lets a shell complete the names of managers, scopes and instances.
func (a *app) completeFlags() {
	for flag, names := range map[string]cobra.CompletionFunc{
		"manager":  cobra.FixedCompletions(append([]string{"auto", "none"}, strings.Split(a.managers(), ", ")...), cobra.ShellCompDirectiveNoFileComp),
		"scope":    cobra.FixedCompletions([]string{"auto", "system", "user"}, cobra.ShellCompDirectiveNoFileComp),
		"instance": a.completeInstances,
	} {
		_ = a.root.RegisterFlagCompletionFunc(flag, names) // the flags exist, and this runs once
	}
}

// completeInstances returns the instances that have left something on this machine.
func (a *app) completeInstances(cmd *cobra.Command, _ []string, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	of := *a
	of.cfg.Instance = ""
	t, err := of.targetRegardless(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := t.instanceNames()
	for _, name := range all {
		if strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
