//go:build !linux

package cli

import "github.com/shirou/gopsutil/v3/process"

// memory returns the resident memory of the process in bytes, or -1 if it is not known.
func memory(pid int) int64 {
	p := process.Process{Pid: int32(pid)} //nolint:gosec // process numbers fit
	m, err := p.MemoryInfo()
	if err != nil {
		return -1
	}
	return int64(m.RSS) //nolint:gosec // no memory is that large
}
