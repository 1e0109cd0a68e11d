package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// life is what a line of /proc/PID/stat tells of the process.
type life int

const (
	lives    life = iota
	zombie        // it will never run again
	released      // the thread that was looked at is no longer part of it: look again
)

// parseStat takes the start time (field 22) and the state of the process from a
// line of /proc/PID/stat. The name in field 2 may hold spaces, newlines and
// parentheses, so fields are counted after the last ")": proc_pid_stat(5).
func parseStat(line []byte) (start uint64, l life, err error) {
	i := bytes.LastIndexByte(line, ')')
	if i < 0 {
		return 0, 0, errors.New("no process name in parentheses")
	}
	fields := bytes.Fields(line[i+1:])
	const state, threads, startTime = 0, 20 - 3, 22 - 3 // proc_pid_stat(5) counts from 1, and we from its field 3
	if len(fields) <= startTime {
		return 0, 0, fmt.Errorf("%d fields after the name, want more than %d", len(fields), startTime)
	}
	start, err = strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("start time: %w", err)
	}
	n, err := strconv.Atoi(string(fields[threads]))
	if err != nil {
		return 0, 0, fmt.Errorf("number of threads: %w", err)
	}
	switch s := fields[state][0]; {
	// The kernel lets go of a process that was waited for, but also of the first
	// thread when another one executes a program and takes its place.
	case s == 'X' || s == 'x' || n == 0:
		return start, released, nil
	// The first thread may end before the others.
	case s == 'Z' && n == 1:
		return start, zombie, nil
	}
	return start, lives, nil
}

// parent takes the number of the parent (field 4) from a line that parseStat takes.
func parent(line []byte) int {
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0
	}
	return n
}
