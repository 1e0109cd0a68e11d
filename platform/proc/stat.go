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

// Stat is what a line of /proc/PID/stat on Linux tells of a process.
type Stat struct {
	Name   string // of its program, cut off; it may hold anything
	Parent int    // its process id
	Start  uint64 // as in [Identity]

	life life
}

// Ended reports whether it will never run again, and waits for its parent to take note of that. One
// whose first thread has ended may live on in others.
func (s Stat) Ended() bool { return s.life != lives }

// ParseStat reads a line of /proc/PID/stat: name, state, parent, and start time (fields 2, 3, 4
// and 22). The name may hold spaces, newlines and parentheses, so fields are counted after
// the last ")": proc_pid_stat(5). Beside an error the Stat is zero.
func ParseStat(line []byte) (Stat, error) {
	begin, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if begin < 0 || end < begin {
		return Stat{}, errors.New("no process name in parentheses")
	}
	const state, parent, threads, startTime = 0, 4 - 3, 20 - 3, 22 - 3 // proc_pid_stat(5) counts from 1, and we from its field 3
	var fields [startTime + 1][]byte
	found := 0
	for field := range bytes.FieldsSeq(line[end+1:]) {
		if fields[found] = field; found == startTime {
			break
		}
		found++
	}
	if found < startTime {
		return Stat{}, fmt.Errorf("%d fields after the name, want more than %d", found, startTime)
	}
	start, err := strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil {
		return Stat{}, fmt.Errorf("start time: %w", err)
	}
	above, err := strconv.Atoi(string(fields[parent]))
	if err != nil {
		return Stat{}, fmt.Errorf("parent: %w", err)
	}
	n, err := strconv.Atoi(string(fields[threads]))
	if err != nil {
		return Stat{}, fmt.Errorf("number of threads: %w", err)
	}
	stat := Stat{Name: string(line[begin+1 : end]), Parent: above, Start: start}
	switch s := fields[state][0]; {
	// The kernel lets go of a process that was waited for, but also of the first
	// thread when another one executes a program and takes its place.
	case s == 'X' || s == 'x' || n == 0:
		stat.life = released
	// The first thread may end before the others.
	case s == 'Z' && n == 1:
		stat.life = zombie
	}
	return stat, nil
}
