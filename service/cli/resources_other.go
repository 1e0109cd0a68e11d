//go:build !linux

package cli

import (
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

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
	if c, err := p.Children(); err == nil { // an error if there are none
		r.Children = len(c)
	}
	return r
}
