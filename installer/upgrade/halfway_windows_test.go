package upgrade_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A service that was stopped before a reboot is not started by the recovery of an upgrade. On
// Windows all boots have the same name.
func TestIssue11_ARebootIsNotTheMiddleOfARestart(t *testing.T) {
	conductor, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	if !upgrade.Halfway(conductor) {
		t.Error("of this boot: it is not noticed")
	}
	conductor.Start = 133_000_000_000_000_000 // in 2022
	if upgrade.Halfway(conductor) {
		t.Error("of a boot before: it is taken for one of now")
	}
}
