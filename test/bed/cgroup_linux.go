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

// cgroupPrefix precedes a bed's name in the name of its control group.
const cgroupPrefix = "holdfast-"

// cgroupAge is far more than the time between the creation of a group and its first process.
const cgroupAge = 10 * time.Minute

// cgroupLimit limits the wait for a control group to become empty after its processes were
// killed.
const cgroupLimit = wait.Limit

// cgroupMount returns the mount point of control groups version 2: /sys/fs/cgroup, or a
// directory below it if the host has both versions.
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

// makeCgroups makes the bed's group, with one group below it for the launching process and one
// for the machine, because a group that delegates controllers may have no processes itself. It
// delegates the controllers that the host offers.
func makeCgroups(group string) (launch *os.File, err error) {
	for _, sub := range []string{"launch", "machine"} {
		if err := os.MkdirAll(filepath.Join(group, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if offered, err := os.ReadFile(filepath.Join(group, "cgroup.controllers")); err == nil {
		for _, controller := range strings.Fields(string(offered)) {
			// Delegate each controller separately, as far as the host allows it.
			_ = os.WriteFile(filepath.Join(group, "cgroup.subtree_control"), []byte("+"+controller), 0)
		}
	}
	return os.Open(filepath.Join(group, "launch"))
}

// sweepCgroups removes the groups of beds whose directory was removed together with the cache.
// A group that is empty and old belongs to no bed, or to a bed that is off and makes it again
// at the next boot.
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

// populated reports whether there is a process in a group or below it.
func populated(group string) bool {
	data, err := os.ReadFile(filepath.Join(group, "cgroup.events"))
	return err == nil && strings.Contains(string(data), "populated 1")
}

// removeCgroup kills the processes in a group, and removes it with everything below it. A
// missing group is no error.
func removeCgroup(group string) error {
	if _, err := os.Stat(group); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = os.WriteFile(filepath.Join(group, "cgroup.kill"), []byte("1"), 0) // since Linux 5.14; before that, the death of PID 1 has killed them
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

// removeTree removes only directories: the files of a control group disappear with it.
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
