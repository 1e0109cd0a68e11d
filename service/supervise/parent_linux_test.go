package supervise_test

import (
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// A supervisor that is killed takes its child down in order.
func TestKilledSupervisor(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "wait")
	out.expect("child 1")
	signalIt(t, cmd, syscall.SIGKILL)
	out.expect("got terminated")
	out.expect("leaving")
	out.end()
}
