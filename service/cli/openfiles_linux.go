package cli

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func openFiles(pid int) (used, most uint64, err error) {
	if _, err := proc.Of(pid); errors.Is(err, proc.ErrGone) {
		return 0, 0, err
	}
	limits, err := os.ReadFile(procPath(pid, "limits")) // proc_pid_limits(5)
	if err != nil {
		return 0, 0, err
	}
	names, err := namesIn(procPath(pid, "fd"))
	if err != nil {
		return 0, 0, err
	}
	_, line, _ := bytes.Cut(limits, []byte("Max open files"))
	columns := bytes.Fields(line)
	if len(columns) == 0 {
		return 0, 0, errors.ErrUnsupported
	}
	if soft := string(columns[0]); soft != "unlimited" {
		if most, err = strconv.ParseUint(soft, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("limit of open files: %w", err)
		}
		return uint64(len(names)), most, nil
	}
	return uint64(len(names)), math.MaxUint64, nil
}
