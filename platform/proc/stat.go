package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// life is the state of a process in /proc/PID/stat.
type life int

const (
	lives    life = iota
	zombie        // will never run again
	released      // the thread does not belong to the process any more: query again
)

// A Stat has the fields of /proc/PID/stat on Linux.
type Stat struct {
	Name    string        // of the program, cut off; may contain any character
	Parent  int           // PID of the parent
	Threads int           // number of threads
	Used    time.Duration // processor time of the process, in the kernel or not
	Start   uint64        // start time, as in [Identity]
	Stopped bool          // by SIGSTOP or a similar signal, not by a debugger

	life life
}

// tick is the unit of times in /proc/PID/stat. USER_HZ is 100 on all architectures that Go
// supports: see proc_pid_stat(5).
const tick = 10 * time.Millisecond

// Ended reports whether the process will never run again, and only waits to be reaped. A
// process whose first thread has ended may continue in other threads.
func (s Stat) Ended() bool { return s.life != lives }

// parseStat parses the content of /proc/PID/stat: name, state, parent, processor time, threads
// and start time (fields 2, 3, 4, 14, 15, 20 and 22). The name may contain spaces, newlines and
// parentheses, so fields are counted after the last ")": see proc_pid_stat(5). With an error the
// Stat is zero.
func parseStat(line []byte) (Stat, error) {
	begin, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if begin < 0 || end < begin {
		return Stat{}, errors.New("no process name in parentheses")
	}
	// proc_pid_stat(5) counts from 1; fields begins with its field 3.
	const state, parent, asUser, asSystem, threads, startTime = 0, 4 - 3, 14 - 3, 15 - 3, 20 - 3, 22 - 3
	var fields [startTime + 1][]byte
	found := 0
	for field := range bytes.FieldsSeq(line[end+1:]) {
		if fields[found] = field; found == startTime {
			break
		}
		found++
	}
	if found < startTime {
		return Stat{}, fmt.Errorf("%d fields after the name, more than %d expected", found, startTime)
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
	user, err := strconv.ParseInt(string(fields[asUser]), 10, 64)
	if err != nil {
		return Stat{}, fmt.Errorf("processor time: %w", err)
	}
	system, err := strconv.ParseInt(string(fields[asSystem]), 10, 64)
	if err != nil {
		return Stat{}, fmt.Errorf("processor time in the kernel: %w", err)
	}
	s := fields[state][0]
	stat := Stat{
		Name: string(line[begin+1 : end]), Parent: above, Threads: n, Start: start,
		Used:    time.Duration(user+system) * tick,
		Stopped: s == 'T', // a debugger causes "t"
	}
	switch {
	// The kernel releases a process that was waited for, and also the first thread when
	// another thread executes a program and takes its place.
	case s == 'X' || s == 'x' || n == 0:
		stat.life = released
	// The first thread may end before the others.
	case s == 'Z' && n == 1:
		stat.life = zombie
	}
	return stat, nil
}
