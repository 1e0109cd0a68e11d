package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// measureDeaf measures whether a log that nobody reads delays a stop. The process then still
// waits for its log, but for no longer than it promises, and without the name.
func measureDeaf(ctx context.Context, h *harness) ([]*table, error) {
	all, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	const read, unread = "service.Run", "its log is not read"
	free := &table{title: "a log that nobody reads: SIGTERM -> the name is free", unit: "ms"}
	gone := &table{title: "a log that nobody reads: SIGTERM -> reaped", unit: "ms"}
	for round := range h.warm + h.rounds {
		for _, c := range named(all, "service.Run") {
			for _, name := range []string{read, unread} {
				c.deaf = name == unread
				freed, reaped, err := c.freed(filepath.Join(h.places[0].dir, "deaf", c.folder()))
				if err := errors.Join(context.Cause(ctx), err); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				if round >= h.warm {
					free.add(name, milliseconds(freed))
					gone.add(name, milliseconds(reaped))
				}
			}
		}
	}
	free.row(unread).target = ratioOf(1.5)
	gone.row(unread).target = beyond(milliseconds(logsink.CloseTimeout)+50, gone.unit)
	return []*table{free, gone}, nil
}

// freed returns the time that a stop takes until another instance could start, and until the
// process has ended.
func (c contestant) freed(dir string) (free, reaped time.Duration, err error) {
	p, err := startReady(c, dir)
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return 0, 0, p.end(err)
	}
	for path := filepath.Join(dir, "run", "minimal.pid"); ; time.Sleep(50 * time.Microsecond) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil || time.Since(begun) > patience {
			return 0, 0, p.end(errors.Join(errors.New("the name is not free"), err))
		}
	}
	free = time.Since(begun)
	err = p.reap()
	return free, time.Since(begun), p.end(err)
}
