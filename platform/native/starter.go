package native

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// Environment variables by which `spawn` and `supervise`, which the scripts of init systems
// call (package service/supervise), tell the service about its start. Like systemd's they are
// removed from the environment.
const (
	// StarterVariable is "NAME PID". It says that NAME started the process PID, or lets PID
	// start it. It is valid only for PID and its direct children, so that other descendants do
	// not take themselves for the service.
	StarterVariable = "HOLDFAST_STARTER"
	// EndedVariable is the number of a descriptor to which the service finally writes its exit
	// code.
	EndedVariable = "HOLDFAST_ENDED"
)

// Starter returns the name of the manager that started this process, as its [Host] has it. It
// returns "" if a person or a script of others did. Unlike Host it does not change the
// environment, and must be called before.
func Starter() string {
	switch {
	case launchd.Started():
		return "launchd"
	case systemd.Started():
		return "systemd"
	case scm.Started():
		return "scm"
	}
	return starter(os.Getenv(StarterVariable))
}

// takeStarter reads and removes StarterVariable. It returns "" if that is missing or not for
// this process.
func takeStarter() string { return starter(room.TakeEnv(StarterVariable)) }

func starter(value string) string {
	name, _ := startedBy(value)
	return name
}

// startedBy reports whether value is for this process, and by which manager. `supervise` by
// hand has none.
func startedBy(value string) (manager string, ours bool) {
	manager, pid, ok := strings.Cut(value, " ")
	if n, err := strconv.Atoi(pid); !ok || err != nil || n != os.Getpid() && n != os.Getppid() {
		return "", false
	}
	return manager, true
}

// takeEnded opens the descriptor in EndedVariable, or returns nil if there is none.
func takeEnded() *os.File {
	fd, err := strconv.Atoi(room.TakeEnv(EndedVariable))
	if err != nil || fd < 3 {
		return nil
	}
	closeOnExec(fd)
	return os.NewFile(uintptr(fd), "exit code")
}

// A host is a posix.Host that also writes its exit code to a file, for a starter that cannot
// get it from the kernel.
type host struct {
	*posix.Host
	ended *os.File
}

// Close writes the exit code and stops listening.
func (h *host) Close(exitCode int) error {
	_, err := fmt.Fprintln(h.ended, exitCode)
	if e := h.ended.Close(); err == nil {
		err = e
	}
	if e := h.Host.Close(exitCode); err == nil {
		err = e
	}
	return err
}
