package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// named returns the contestants with those names, in that order.
func named(all []contestant, names ...string) (found []contestant) {
	for _, name := range names {
		for _, c := range all {
			if c.name == name {
				found = append(found, c)
			}
		}
	}
	return found
}

// measureTogether starts many instances at once, each with directories of its own, as at the
// boot of a machine.
func measureTogether(ctx context.Context, h *harness) ([]*table, error) {
	all, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	t := &table{title: fmt.Sprintf("%d instances at once: the last is READY", h.together), unit: "ms", second: allFiles}
	for round := range h.warm + h.rounds {
		for _, c := range named(all, "bare", allFiles, "service.Run", "cli.Main") {
			took, err := c.together(ctx, filepath.Join(h.places[0].dir, "together", c.folder()), h.together)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= h.warm {
				t.add(c.name, milliseconds(took))
			}
		}
	}
	t.row("service.Run").target, t.row("cli.Main").target = ratioOf(1.35), ratioOf(1.45)
	return []*table{t}, nil
}

// together returns the time from the first exec until n instances are ready, and stops them.
func (c contestant) together(ctx context.Context, dir string, n int) (took time.Duration, err error) {
	var running []*program
	defer func() {
		for _, p := range running {
			err = errors.Join(err, p.end(nil))
		}
	}()
	for i := range n {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		p, err := start(c, filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return 0, err
		}
		running = append(running, p)
	}
	var last time.Time
	for _, p := range running {
		if last, err = p.await("READY=1"); err != nil {
			return 0, p.end(err)
		}
	}
	for _, p := range running {
		if err := p.signal(syscall.SIGTERM); err != nil {
			return 0, err
		}
	}
	for _, p := range running {
		if err := p.reap(); err != nil {
			return 0, p.end(err)
		}
	}
	return last.Sub(running[0].begun), nil
}
