package bed

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// commandLimit limits the wait for the processes of a cancelled command to die.
const commandLimit = wait.Limit

// killCommand kills the process group that an nsenter leads, with nsenter itself as the last.
//
// If all were killed at once, the command would become a zombie that only the host's PID 1 can
// reap, because its parent was outside the bed. The kernel ends no PID namespace before its
// last zombie is reaped. In a CI container PID 1 often reaps nothing, so the bed could never
// be closed.
//
//	nsenter ── fork ──> command ── fork ──> its children
//	stopped first       killed next, with its group; then nsenter continues, reaps it, and kills itself with the same signal
func killCommand(nsenter int) error {
	if err := syscall.Kill(nsenter, syscall.SIGSTOP); err != nil {
		return gone(err)
	}
	for deadline := time.Now().Add(commandLimit); ; time.Sleep(time.Millisecond) {
		stopped, alive, dead, err := group(nsenter)
		switch {
		case err != nil:
			return errors.Join(err, gone(syscall.Kill(-nsenter, syscall.SIGKILL)))
		case time.Now().After(deadline):
			return errors.Join(fmt.Errorf("processes %v outlive SIGKILL", alive), gone(syscall.Kill(-nsenter, syscall.SIGKILL)))
		case !stopped: // the signal has not arrived yet: it may be forking right now
			continue
		case len(alive) == 0 && dead == 0: // it has not forked yet
			return gone(syscall.Kill(nsenter, syscall.SIGKILL))
		case len(alive) == 0:
			return gone(syscall.Kill(nsenter, syscall.SIGCONT))
		}
		for _, pid := range alive {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// gone turns "no such process" into the error that [exec.Cmd.Cancel] must return then.
func gone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// group returns the living members of a process group except its leader, counts its zombies,
// and reports whether the leader is stopped or gone.
func group(leader int) (stopped bool, alive []int, dead int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false, nil, 0, err
	}
	stopped = true
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		data, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // ended meanwhile
		}
		// PID (any name) STATE PPID PGRP ...: the name may hold anything, a parenthesis too.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		switch {
		case len(fields) < 3:
		case pid == leader:
			stopped = strings.Contains("TtZX", fields[0])
		case fields[1] != strconv.Itoa(leader) && fields[2] != strconv.Itoa(leader): // its own child may have left the group
		case fields[0] == "Z" || fields[0] == "X":
			dead++
		default:
			alive = append(alive, pid)
		}
	}
	return stopped, alive, dead, nil
}
