package bed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// cgroupPrefix goes before a bed's name in the name of its control group.
const cgroupPrefix = "holdfast-"

// cgroupAge is far above the time in which a group that was made gets its first process.
const cgroupAge = 10 * time.Minute

// cgroupLimit bounds the wait for a control group whose processes have been killed to become empty.
const cgroupLimit = wait.Limit

// cgroupMount returns where version 2 of control groups is mounted: /sys/fs/cgroup, or below it with both versions.
func cgroupMount() (string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !strings.HasPrefix(after, "cgroup2 ") || len(fields) < 5 {
			continue
		}
		// Something else may be mounted over it.
		var at unix.Statfs_t
		if err := unix.Statfs(fields[4], &at); err == nil && at.Type == unix.CGROUP2_SUPER_MAGIC {
			return fields[4], nil
		}
	}
	return "", errors.New("beds need control groups version 2: not mounted")
}

// makeCgroups makes the bed's group with one below it for the process that launches it and one for the machine: a group that
// hands controllers on may have no process itself. The controllers the host offers are handed on.
func makeCgroups(group string) (launch *os.File, err error) {
	for _, sub := range []string{"launch", "machine"} {
		if err := os.MkdirAll(filepath.Join(group, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if offered, err := os.ReadFile(filepath.Join(group, "cgroup.controllers")); err == nil {
		for _, controller := range strings.Fields(string(offered)) {
			// One by one and as far as it goes: which the host lets go is the host's affair.
			_ = os.WriteFile(filepath.Join(group, "cgroup.subtree_control"), []byte("+"+controller), 0)
		}
	}
	return os.Open(filepath.Join(group, "launch"))
}

// sweepCgroups removes the groups of beds whose directory is gone with a cache that was removed. One that is empty and old belongs to
// nobody, or to a bed that is off: that one makes it anew when it is switched on.
func sweepCgroups(mount string) error {
	groups, err := filepath.Glob(filepath.Join(mount, cgroupPrefix+"bed-*"))
	if err != nil {
		return err
	}
	for _, group := range groups {
		info, err := os.Stat(group)
		if err != nil || time.Since(info.ModTime()) < cgroupAge || populated(group) {
			continue
		}
		if err := removeCgroup(group); err != nil {
			return err
		}
	}
	return nil
}

// populated reports whether a process lives in a group or below it.
func populated(group string) bool {
	data, err := os.ReadFile(filepath.Join(group, "cgroup.events"))
	return err == nil && strings.Contains(string(data), "populated 1")
}

// removeCgroup kills what is in a group and removes it with all below it. A group that is not there is no error.
func removeCgroup(group string) error {
	if _, err := os.Stat(group); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = os.WriteFile(filepath.Join(group, "cgroup.kill"), []byte("1"), 0) // Linux 5.14; before, PID 1's death has done it
	for deadline := time.Now().Add(cgroupLimit); ; time.Sleep(5 * time.Millisecond) {
		err := removeTree(group)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("remove control group: %w", err)
		}
	}
}

// removeTree removes directories only: the files of a control group go with it.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if err := unix.Rmdir(dir); err != nil {
		return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}
