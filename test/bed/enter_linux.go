package bed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// enter returns the arguments of nsenter that precede a command. become has options for
// setpriv.
func (m *machine) enter(become []string) ([]string, error) {
	pid := m.leader()
	if pid == 0 {
		return nil, ErrOff
	}
	status, err := readStatus(pid)
	if err != nil {
		return nil, errors.Join(ErrOff, err)
	}
	bound, err := strconv.ParseUint(status["CapBnd"], 16, 64)
	if err != nil {
		return nil, fmt.Errorf("capabilities of process %d: %w", pid, err)
	}
	args := []string{"--target", strconv.Itoa(pid), "--all", "--", "setpriv", "--bounding-set=" + missing(bound)}
	return append(append(args, become...), "--"), nil
}

// missing lists the capabilities that the bed's init lacks, for setpriv. A command with all
// capabilities of the test could set the host's clock, or load a module.
func missing(bound uint64) string {
	var drop []string
	for number := range lastCap() + 1 {
		if bound&(1<<number) == 0 {
			drop = append(drop, fmt.Sprintf("-cap_%d", number))
		}
	}
	if len(drop) == 0 {
		return "+all"
	}
	return strings.Join(drop, ",")
}

func lastCap() int {
	const known = 40 // CAP_CHECKPOINT_RESTORE, Linux 5.9
	data, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return known
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return known
	}
	return number
}

// confine makes cmd start in a process group and in a control group of the bed, and makes the
// group die when its context ends.
func (m *machine) confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if life := m.current(); life != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(life.exec.Fd())
	}
	cmd.Cancel = func() error { return killCommand(cmd.Process.Pid) }
}

// uncoverKmsg removes the FIFO that nspawn mounts over /proc/kmsg. The FIFO is deleted, unlike
// on any real machine, so a user unit with ProtectKernelLogs= cannot cover it (226/NAMESPACE).
// The kernel log remains inaccessible, because the bed lacks CAP_SYSLOG. Failure is no error,
// since there may be nothing to remove.
func uncoverKmsg(leader int) {
	_ = exec.Command("nsenter", "--target", strconv.Itoa(leader), "--mount", "--pid", "--", "umount", "/proc/kmsg").Run()
}

// findInit returns the process that is PID 1 of the innermost PID namespace below first: first
// itself, or a child of its child (systemd-nspawn).
func findInit(first int) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	parents := make(map[int]int)
	inits := map[int]int{} // process -> depth of its namespace
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		status, err := readStatus(pid)
		if err != nil {
			continue // ended meanwhile
		}
		parents[pid], _ = strconv.Atoi(status["PPid"])
		if numbers := strings.Fields(status["NSpid"]); len(numbers) > 1 && numbers[len(numbers)-1] == "1" {
			inits[pid] = len(numbers)
		}
	}
	found := first
	for pid, depth := range inits {
		if depth > inits[found] && (parents[pid] == first || parents[parents[pid]] == first) {
			found = pid
		}
	}
	if _, ok := inits[found]; !ok {
		return 0, fmt.Errorf("no init found below process %d", first)
	}
	return found, nil
}

// readStatus returns the fields of /proc/PID/status.
func readStatus(pid int) (map[string]string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.TrimSpace(value)
	}
	return fields, nil
}
