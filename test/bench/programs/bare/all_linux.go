package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// This file writes by hand what holdfast writes beyond the PID file: the holder (in a second locked file), the beginning
// of a run, and the state of the service.

// An identity distinguishes this process from any other that has, or had, its number.
type identity struct {
	PID              int
	Start            uint64
	Boot, Space, Exe string
}

func self() (id identity, err error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return id, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if id.Start, err = strconv.ParseUint(string(fields[19]), 10, 64); err != nil {
		return id, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id, err
	}
	id.PID, id.Boot = os.Getpid(), strings.TrimSpace(string(boot))
	if id.Space, err = os.Readlink("/proc/self/ns/pid"); err != nil {
		return id, err
	}
	id.Exe, err = os.Readlink("/proc/self/exe")
	return id, err
}

// A run is the record of a run. Without an end it was cut off.
type run struct {
	Process        identity
	Started, Ended time.Time
	Reason         string
}

// A state is the state of the service.
type state struct {
	Name, Phase    string
	Process        identity
	Since, Started time.Time
	LastRun        run
}

// books are the files of a run that writes everything.
type books struct {
	lock   *os.File
	path   string
	record string
	state  state
}

// open takes the second lock, reads how the last run ended, and records that this one has
// begun.
func open(runtimeDir, stateDir string) (*books, error) {
	id, err := self()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	lock, err := os.OpenFile(filepath.Join(stateDir, "minimal.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, err
	}
	holder, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	if err := lock.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := lock.Write(holder); err != nil {
		return nil, err
	}
	b := &books{
		lock: lock, path: filepath.Join(runtimeDir, "minimal.state.json"), record: filepath.Join(stateDir, "minimal.lastrun.json"),
		state: state{Name: "minimal", Process: id, Started: now},
	}
	last, err := os.ReadFile(b.record)
	if err == nil {
		err = json.Unmarshal(last, &b.state.LastRun)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := replace(b.record, run{Process: id, Started: now}, false); err != nil {
		return nil, err
	}
	return b, b.enter("starting")
}

// enter writes the new phase of the service.
func (b *books) enter(phase string) error {
	b.state.Phase, b.state.Since = phase, time.Now()
	return replace(b.path, b.state, false)
}

// close records how the run ended, and releases the lock.
func (b *books) close(reason string, durable bool) error {
	err := replace(b.record, run{b.state.Process, b.state.Started, time.Now(), reason}, durable)
	return errors.Join(err, os.Remove(b.path), b.lock.Truncate(0), b.lock.Close())
}
