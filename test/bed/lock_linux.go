package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockShared takes a shared lock on a file, which lasts until the file is closed. It waits for
// an exclusive holder until ctx ends.
func lockShared(ctx context.Context, name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s, is the root being built?: %w", name, ctx.Err()), file.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// claim makes the directory of a new machine and returns it locked. Before that it removes the
// directories whose owner is gone. One lock covers all of this, so that a new directory that
// is not yet locked is not taken for an abandoned one.
func claim(dir, cgroups string) (*os.File, error) {
	run := filepath.Dir(dir)
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, err
	}
	all, err := os.OpenFile(filepath.Join(run, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := unix.Flock(int(all.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", all.Name(), err)
	}
	if err := errors.Join(sweep(run, cgroups), sweepCgroups(cgroups)); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return lock, nil
}

// sweep removes what beds of killed processes have left. Their own processes died with them. A
// directory is in use if it is locked, or if its control group has processes, because a lock
// does not reach through an overlay or to another machine.
func sweep(run, cgroups string) error {
	entries, err := os.ReadDir(run)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "bed-") {
			continue
		}
		dir := filepath.Join(run, entry.Name())
		lock, err := lockDir(dir)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, os.ErrNotExist) {
			continue // in use, or just being closed
		}
		if err != nil {
			return err
		}
		if group := filepath.Join(cgroups, cgroupPrefix+entry.Name()); !populated(group) {
			err = errors.Join(removeCgroup(group), os.RemoveAll(dir))
		}
		if err := errors.Join(err, lock.Close()); err != nil {
			return fmt.Errorf("remove abandoned bed: %w", err)
		}
	}
	return nil
}

func lockDir(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), file.Close())
	}
	return file, nil
}
