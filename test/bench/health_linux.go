package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/test/bench/programs/tell"
)

// measureHealth measures the processor time of a health check that has nothing to do, with the
// timer that wakes it up.
func measureHealth(ctx context.Context, h *harness) ([]*table, error) {
	all, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	t := &table{title: fmt.Sprintf("processor time of a health check, one each %v", tell.Pace), unit: "µs"}
	for range h.rounds {
		for _, c := range named(all, "bare", "service.Run") {
			c.env = []string{tell.IdleVariable + "=1", tell.ChecksVariable + "=" + strconv.Itoa(h.checks)}
			p, err := startReady(c, filepath.Join(h.places[0].dir, "health", c.folder()))
			if err == nil {
				used, e := p.told()
				t.add(c.name, microseconds(used)/float64(h.checks))
				if e == nil {
					e = errors.Join(p.signal(syscall.SIGTERM), p.reap())
				}
				err = p.end(e)
			}
			if err := errors.Join(context.Cause(ctx), err); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	t.row("service.Run").target = ratioOf(1.5)
	return []*table{t}, nil
}
