//go:build !linux

package cli

import (
	"context"
	"slices"

	"github.com/shirou/gopsutil/v3/process"
)

func processOf(pid int) *process.Process {
	return &process.Process{Pid: int32(pid)} //nolint:gosec // process numbers fit
}

func processes(ctx context.Context) (pids []int, err error) {
	all, err := process.PidsWithContext(ctx)
	for _, pid := range all {
		pids = append(pids, int(pid))
	}
	return pids, err
}

// imageOf fails if we may not see the image: the process of another user.
func imageOf(ctx context.Context, pid int) (string, error) {
	return processOf(pid).ExeWithContext(ctx)
}

func argvOf(ctx context.Context, pid int) ([]string, error) {
	return processOf(pid).CmdlineSliceWithContext(ctx)
}

// parentIn returns the parent of a process, or 0 if it is not known.
func parentIn(ctx context.Context, pid int) int {
	parent, err := processOf(pid).PpidWithContext(ctx)
	if err != nil {
		return 0
	}
	return int(parent)
}

func userOf(ctx context.Context, pid int) string {
	name, _ := processOf(pid).UsernameWithContext(ctx) // shown to people
	return name
}

// suspended reports whether a process was stopped, by SIGSTOP or a similar signal.
func suspended(pid int) bool {
	state, err := processOf(pid).Status()
	return err == nil && slices.Contains(state, process.Stop)
}
