//go:build !linux

package cli

import "github.com/shirou/gopsutil/v3/process"

// memory is the first of what measure finds out, and the cheapest.
func memory(pid int) int64 {
	p := process.Process{Pid: int32(pid)} //nolint:gosec // process numbers fit
	m, err := p.MemoryInfo()
	if err != nil {
		return -1
	}
	return int64(m.RSS) //nolint:gosec // no memory is that large
}
