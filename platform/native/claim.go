package native

import (
	"os"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// TakeFiles returns the descriptors that were passed to this process (sd_listen_fds(3)), and
// removes them from the environment. It is for a process that is no service, and therefore has
// no Host.
func TakeFiles() []*os.File {
	ClaimFiles()
	return systemd.TakeFiles()
}

// ClaimFiles makes the descriptors that a supervisor of holdfast has passed to this process
// its own. The supervisor cannot know the number of a process that it is about to start, so it
// puts its own number into LISTEN_PID, and ClaimFiles replaces it. Call ClaimFiles before
// anything looks for the descriptors (sd_listen_fds(3)). Further calls do nothing.
func ClaimFiles() {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getppid()) {
		return
	}
	if _, ours := startedBy(os.Getenv(StarterVariable)); ours {
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
}
