package state_test

import (
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Merge combines lock, manager and file: nobody holds the lock, and the manager reports that
// the service is stopped.
func ExampleMerge() {
	truth := state.Merge(state.Sources{
		Now:     time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
		Lock:    state.Lock{Answer: state.LockFree},
		Manager: &platform.Status{Installed: true, Phase: platform.PhaseStopped},
	})
	fmt.Println(truth.Phase, truth.Running)
	// Output: stopped false
}
