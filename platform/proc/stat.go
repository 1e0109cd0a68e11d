package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// parseStat takes the start time (field 22) and whether the process is dead
// from a line of /proc/PID/stat. The name in field 2 may hold spaces, newlines
// and parentheses, so fields are counted after the last ")": proc_pid_stat(5).
func parseStat(line []byte) (start uint64, dead bool, err error) {
	i := bytes.LastIndexByte(line, ')')
	if i < 0 {
		return 0, false, errors.New("no process name in parentheses")
	}
	fields := bytes.Fields(line[i+1:])
	const state, threads, startTime = 0, 20 - 3, 22 - 3 // proc_pid_stat(5) counts from 1, and we from its field 3
	if len(fields) <= startTime {
		return 0, false, fmt.Errorf("%d fields after the name, want more than %d", len(fields), startTime)
	}
	start, err = strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("start time: %w", err)
	}
	switch fields[state][0] {
	case 'X', 'x':
		dead = true
	case 'Z':
		// The first thread may go before the others, and does for a moment when
		// another one executes a new program.
		n, err := strconv.Atoi(string(fields[threads]))
		dead = err != nil || n <= 1
	}
	return start, dead, nil
}
