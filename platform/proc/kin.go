package proc

// StatOf returns what /proc/PID/stat says about a process. The error is errors.ErrUnsupported on
// all systems but Linux.
func StatOf(pid int) (Stat, error) { return statOf(pid) }

// Parent returns the PID of the parent of a process, or 0 if it is not known. On all systems but
// Linux it is never known.
func Parent(pid int) int { return parent(pid) }

// Threads returns the numbers of the threads of a process. The error is errors.ErrUnsupported on
// all systems but Linux.
func Threads(pid int) ([]int, error) { return threads(pid) }

// Children returns the PIDs of the children of one thread of a process. The kernel gives to each
// thread what it has started, and to the first what the process adopts: see
// proc_tid_children(5). The error is errors.ErrUnsupported on all systems but Linux, and wraps
// [io/fs.ErrNotExist] if the thread has ended, or the kernel has no such list.
func Children(pid, thread int) ([]int, error) { return children(pid, thread) }
