package cli

import "github.com/holdfast-dev/holdfast/platform/proc"

// childrenOf returns the number of children of the process.
func childrenOf(pid int) (n int) {
	known := false
	threads, _ := proc.Threads(pid) // then there are none
	for _, thread := range threads {
		if pids, err := proc.Children(pid, thread); err == nil { // else the thread has ended
			n, known = n+len(pids), true
		}
	}
	if !known { // the kernel has no such list
		return countChildren(pid)
	}
	return n
}

// countChildren looks at all processes.
func countChildren(pid int) (n int) {
	all, err := allProcesses()
	if err != nil {
		return 0
	}
	for _, other := range all {
		if proc.Parent(other) == pid {
			n++
		}
	}
	return n
}
