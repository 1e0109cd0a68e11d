package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/nightlyone/lockfile"
	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A locker is one way to ensure a single instance. take fails with errTaken if another process
// holds the lock.
type locker struct {
	name string
	take func(dir string) (release func() error, err error)
}

var errTaken = errors.New("taken by another process")

func lockers() []locker {
	return []locker{
		{"raw calls", takeRaw},
		{"raw calls with /proc", takeRawWithIdentity},
		{"holdfast/singleton", takeHoldfast},
		{"gofrs/flock", takeFlock},
		{"nightlyone/lockfile", takeLockfile},
	}
}

// takeRaw makes only the system calls that two locked files with the same content need.
func takeRaw(dir string) (func() error, error) { return takeFiles(dir, make([]byte, 256)) }

func takeFiles(dir string, record []byte) (func() error, error) {
	pid := append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n')
	lock, err := openLocked(filepath.Join(dir, "minimal.lock"), record)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "minimal.pid")
	file, err := openLocked(path, pid)
	if err != nil {
		return nil, errors.Join(err, unix.Close(lock))
	}
	return func() error {
		return errors.Join(unix.Unlink(path), unix.Ftruncate(lock, 0), unix.Close(file), unix.Close(lock))
	}, nil
}

func openLocked(path string, content []byte) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return -1, err
	}
	if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		err = errTaken
	}
	if err == nil {
		_, err = unix.Pwrite(fd, content, 0)
	}
	if err != nil {
		_ = unix.Close(fd)
	}
	return fd, err
}

// takeRawWithIdentity also asks the kernel for the identity of this process, which a holder
// has to record.
func takeRawWithIdentity(dir string) (func() error, error) {
	record := make([]byte, 0, 4096)
	for _, path := range []string{"/proc/self/stat", "/proc/sys/kernel/random/boot_id"} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		n, err := unix.Read(fd, record[len(record):cap(record)])
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return nil, err
		}
		record = record[:len(record)+n]
	}
	for _, path := range []string{"/proc/self/exe", "/proc/self/ns/pid"} {
		n, err := unix.Readlink(path, record[len(record):cap(record)])
		if err != nil {
			return nil, err
		}
		record = record[:len(record)+n]
	}
	return takeFiles(dir, record[:256])
}

func takeHoldfast(dir string) (func() error, error) {
	l, err := singleton.Acquire(singleton.Options{Name: "minimal", Dir: dir, StateDir: dir})
	if errors.Is(err, singleton.ErrHeld) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// takeFlock locks one file, and writes nothing to it.
func takeFlock(dir string) (func() error, error) {
	l := flock.New(filepath.Join(dir, "minimal.pid"))
	switch ok, err := l.TryLock(); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errTaken
	}
	return l.Unlock, nil
}

// takeLockfile trusts a PID file; there is no lock.
func takeLockfile(dir string) (func() error, error) {
	l, err := lockfile.New(filepath.Join(dir, "minimal.pid"))
	if err != nil {
		return nil, err
	}
	if err := l.TryLock(); errors.Is(err, lockfile.ErrBusy) {
		return nil, errTaken
	} else if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}

func measureLocks(ctx context.Context, h *harness, p place) ([]*table, error) {
	free := &table{title: "lock: acquire + release, " + p.name, unit: "µs"}
	held := &table{title: "lock: refusal, " + p.name, unit: "µs"}
	freeDir, heldDir := filepath.Join(p.dir, "free"), filepath.Join(p.dir, "held")
	for i := range lockers() {
		for _, dir := range []string{freeDir, heldDir} {
			if err := os.MkdirAll(lockDir(dir, i), 0o755); err != nil {
				return nil, err
			}
		}
	}
	release, err := startHolder(heldDir)
	if err != nil {
		return nil, err
	}
	err = func() error {
		for round := range h.warm + h.rounds {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			for i, l := range lockers() {
				took, err := repeat(h.locks, func() error { return l.cycle(lockDir(freeDir, i)) })
				if err != nil {
					return fmt.Errorf("%s: %w", l.name, err)
				}
				refused, err := repeat(h.locks, func() error { return l.refused(lockDir(heldDir, i)) })
				if err != nil {
					return fmt.Errorf("%s: %w", l.name, err)
				}
				if round >= h.warm { // the first one creates the files
					free.add(l.name, microseconds(took))
					held.add(l.name, microseconds(refused))
				}
			}
		}
		return nil
	}()
	if err := errors.Join(err, release()); err != nil {
		return nil, err
	}
	free.row("holdfast/singleton").target = ratioOf(2)
	free.second = "raw calls with /proc"
	return []*table{free, held}, nil
}

func lockDir(dir string, i int) string { return filepath.Join(dir, strconv.Itoa(i)) }

// repeat returns the average duration of n calls of f.
func repeat(n int, f func() error) (time.Duration, error) {
	begun := time.Now()
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return time.Since(begun) / time.Duration(n), nil
}

func (l locker) cycle(dir string) error {
	release, err := l.take(dir)
	if err != nil {
		return err
	}
	return release()
}

func (l locker) refused(dir string) error {
	if _, err := l.take(dir); !errors.Is(err, errTaken) {
		return fmt.Errorf("not refused: %w", err)
	}
	return nil
}
