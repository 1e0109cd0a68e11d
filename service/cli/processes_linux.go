package cli

import (
	"context"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// allProcesses returns the processes that /proc shows.
func allProcesses() (pids []int, err error) {
	names, err := namesIn("/proc")
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

func processes(context.Context) ([]int, error) { return allProcesses() }

// imageOf fails if we may not see the image: the process of another user.
func imageOf(_ context.Context, pid int) (string, error) { return os.Readlink(procPath(pid, "exe")) }

func argvOf(_ context.Context, pid int) ([]string, error) {
	line, err := os.ReadFile(procPath(pid, "cmdline"))
	if err != nil || len(line) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00"), nil
}

func parentIn(_ context.Context, pid int) int { return proc.Parent(pid) }

// userOf returns the name of the user of a process, or nothing if there is none.
func userOf(_ context.Context, pid int) string {
	uid, err := proc.Owner(pid)
	if err != nil {
		return ""
	}
	u, err := user.LookupId(uid)
	if err != nil {
		return ""
	}
	return u.Username
}

// suspended reports whether a process was stopped, by SIGSTOP or a similar signal.
func suspended(pid int) bool {
	stat, err := proc.StatOf(pid)
	return err == nil && stat.Stopped
}
