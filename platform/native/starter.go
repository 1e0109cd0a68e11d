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

// Variables by which `spawn` and `supervise`, that scripts of init systems call
// (package service/supervise), tell the service about its start. Like systemd's
// they are taken out of the environment.
const (
	// StarterVariable is "NAME PID": NAME started the process PID, or has PID
	// start it. It counts only for these two, lest a child of a service takes
	// itself for one.
	StarterVariable = "HOLDFAST_STARTER"
	// EndedVariable is the number of a descriptor to which the service writes
	// its exit code as the last thing it does.
	EndedVariable = "HOLDFAST_ENDED"
)

// Starter is the manager that started this process, by the name that its [Host] has;
// empty where a person did, or somebody's script. Unlike Host it takes nothing out of
// the environment, so it is asked before.
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

// takeStarter reads StarterVariable; empty if it is not there or not for us.
func takeStarter() string { return starter(room.TakeEnv(StarterVariable)) }

func starter(value string) string {
	name, pid, ok := strings.Cut(value, " ")
	if n, err := strconv.Atoi(pid); !ok || err != nil || n != os.Getpid() && n != os.Getppid() {
		return ""
	}
	return name
}

// takeEnded opens what EndedVariable names; nil if there is nothing.
func takeEnded() *os.File {
	fd, err := strconv.Atoi(room.TakeEnv(EndedVariable))
	if err != nil || fd < 3 {
		return nil
	}
	closeOnExec(fd)
	return os.NewFile(uintptr(fd), "exit code")
}

// host is a posix.Host that leaves its exit code with whoever cannot learn it
// from the kernel.
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
