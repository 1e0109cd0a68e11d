package cli

import (
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// resources has what a process uses now. -1 means that a value is not known.
type resources struct {
	RSS      int64   `json:"rss_bytes"`
	CPU      float64 `json:"cpu_percent"` // average since its start
	Threads  int     `json:"threads"`
	FDs      int     `json:"fds"`
	Children int     `json:"children"`
}

// measure returns nil if the process has ended.
func measure(pid int) *resources {
	p, err := process.NewProcess(int32(pid)) //nolint:gosec // process numbers fit
	if err != nil {
		return nil
	}
	r := &resources{RSS: -1, CPU: -1, Threads: -1, FDs: -1}
	if m, err := p.MemoryInfo(); err == nil {
		r.RSS = int64(m.RSS) //nolint:gosec // no memory is that large
	}
	if times, err := p.Times(); err == nil {
		if ms, err := p.CreateTime(); err == nil {
			if age := time.Since(time.UnixMilli(ms)).Seconds(); age > 0 {
				r.CPU = 100 * (times.User + times.System) / age
			}
		}
	}
	if n, err := p.NumThreads(); err == nil {
		r.Threads = int(n)
	}
	if n, err := p.NumFDs(); err == nil {
		r.FDs = int(n)
	}
	r.Children = childrenOf(p)
	return r
}

// countChildren counts by gopsutil, which returns an error if there are no children.
func countChildren(p *process.Process) int {
	c, err := p.Children()
	if err != nil {
		return 0
	}
	return len(c)
}
