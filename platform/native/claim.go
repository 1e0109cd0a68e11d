package native

import (
	"os"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// TakeFiles are the descriptors that this process was handed, sd_listen_fds(3), for one that is
// no service and has no Host. They are taken out of the environment.
func TakeFiles() []*os.File {
	ClaimFiles()
	return systemd.TakeFiles()
}

// ClaimFiles makes this process's own what a supervisor of ours has handed over: who makes
// a process does not know its number, so LISTEN_PID is the supervisor's until then. It is
// for before anybody looks for these files, sd_listen_fds(3); called again it does nothing.
func ClaimFiles() {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getppid()) {
		return
	}
	if _, ours := startedBy(os.Getenv(StarterVariable)); ours {
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
}
