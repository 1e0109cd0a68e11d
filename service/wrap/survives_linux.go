package wrap

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// survives returns an error if the signal would end the process, because it neither handles, ignores nor blocks it: the masks
// SigCgt, SigIgn and SigBlk in /proc/PID/status of proc_pid_status(5). If they cannot be read, it returns nil.
func (p *process) survives(name string) error {
	sig, err := signalNamed(name)
	if err != nil || harmless(sig) {
		return err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return nil
	}
	var masks, taken uint64
	for line := range strings.Lines(string(status)) {
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "SigBlk", "SigIgn", "SigCgt":
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return nil
			}
			masks, taken = masks+1, taken|mask
		}
	}
	if masks < 3 || taken&(1<<(sig-1)) != 0 {
		return nil
	}
	return fmt.Errorf("process %d does not handle %s, and would end by it", p.pid(), name)
}

// harmless reports whether the signal ends no process: see signal(7).
func harmless(sig syscall.Signal) bool {
	switch sig {
	case unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH:
		return true
	}
	return false
}
