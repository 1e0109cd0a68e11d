package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"github.com/shirou/gopsutil/v3/process"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// childrenOf returns the number of children of the process. gopsutil starts pgrep, which reads
// four files of every process on the machine, and is not installed everywhere.
func childrenOf(p *process.Process) int {
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(int(p.Pid)) + "/task/*/children") // of each thread: proc_tid_children(5)
	if err != nil || len(lists) == 0 {
		return countChildren(p) // a kernel without CONFIG_PROC_CHILDREN
	}
	n := 0
	for _, path := range lists {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		n += len(bytes.Fields(content))
	}
	return n
}

// parentOf returns the PID of the parent of a process, or 0 if it is not known.
func parentOf(pid int) int {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	s, err := proc.ParseStat(line)
	if err != nil {
		return 0
	}
	return s.Parent
}
