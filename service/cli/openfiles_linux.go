package cli

import (
	"errors"

	"github.com/shirou/gopsutil/v3/process"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func openFiles(pid int) (used, most uint64, err error) {
	p, err := process.NewProcess(int32(pid)) //nolint:gosec // process numbers fit
	if err != nil {
		return 0, 0, proc.ErrGone
	}
	limits, err := p.Rlimit()
	if err != nil {
		return 0, 0, err
	}
	n, err := p.NumFDs()
	if err != nil {
		return 0, 0, err
	}
	for _, l := range limits {
		if l.Resource == process.RLIMIT_NOFILE {
			return uint64(max(0, n)), l.Soft, nil //nolint:gosec // it is not negative
		}
	}
	return 0, 0, errors.ErrUnsupported
}
