package installer_test

import (
	"context"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
)

// notes writes down what a manager is asked for.
type notes struct {
	platform.Manager
	said []string
}

func (n *notes) Start(context.Context, platform.ID) error {
	n.said = append(n.said, "start")
	return nil
}

func (n *notes) Stop(context.Context, platform.ID) error {
	n.said = append(n.said, "stop")
	return platform.ErrNotRunning
}

// A stop by the manager is undone as its step says, and in no other way.
func TestStopTakenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		back []platform.Step
		want []string
	}{
		"what ran":     {[]platform.Step{{Kind: platform.StepStart, Describe: "start it again"}}, []string{"stop", "start"}},
		"what did not": {nil, []string{"stop"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, n := newMachine(t), &notes{}
			m.fail = "rc-update"
			tx := installer.Begin(installer.ServiceApplier{System: m, Manager: n}, installer.Job{Verb: "uninstall"})
			err := tx.Apply(t.Context(), []platform.Step{
				{Kind: platform.StepStop, Describe: "stop the service", Back: tt.back},
				{Kind: platform.StepRun, Describe: "forget it", Argv: []string{"rc-update"}},
			})
			if err == nil || !slices.Equal(n.said, tt.want) {
				t.Errorf("%v, asked for %q", err, n.said)
			}
		})
	}
}
