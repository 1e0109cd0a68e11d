package cli

import (
	"os"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// measure returns nil if the process has ended. It reads /proc, because gopsutil would read
// /proc/stat twice in every start of a program that only links it.
func measure(pid int) *resources {
	id, err := proc.Of(pid)
	if err != nil {
		return nil
	}
	r := &resources{RSS: memory(pid), CPU: -1, Threads: -1, FDs: countFiles(pid), Children: childrenOf(pid)}
	stat, err := proc.StatOf(pid)
	if err != nil {
		return r
	}
	r.Threads = stat.Threads
	if age, err := id.Age(); err == nil && age > 0 {
		r.CPU = 100 * float64(stat.Used) / float64(age)
	}
	return r
}

func procPath(pid int, file string) string { return "/proc/" + strconv.Itoa(pid) + "/" + file }

// countFiles returns how many files a process has open, or -1 if we may not see it.
func countFiles(pid int) int {
	names, err := namesIn(procPath(pid, "fd"))
	if err != nil {
		return -1
	}
	return len(names)
}

func namesIn(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
