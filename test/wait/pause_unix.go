//go:build unix

package wait

import (
	"fmt"
	"syscall"
)

// Pause stops a process by SIGSTOP, and returns when it has stopped. kill(2) returns before
// that: on a busy machine, threads that the signal has not reached yet continue, and can finish
// what the test wants to interrupt. Only Linux shows the threads; elsewhere Pause does not wait.
func Pause(t T, pid int) {
	helper(t)()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatalf("SIGSTOP to process %d: %v", pid, err)
	}
	Until(t, fmt.Sprintf("process %d is stopped", pid), func() bool { return paused(pid) })
}
