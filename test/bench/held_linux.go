package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// measureHeld measures starts and refusals while another process holds locks of its own. The
// kernel lists the locks of all processes together.
func measureHeld(ctx context.Context, h *harness) ([]*table, error) {
	all, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	dir := h.places[0].dir
	var tables []*table
	for _, c := range named(all, "bare", "service.Run") {
		ready := &table{title: "exec -> READY of " + c.name + ", by locks on the machine", unit: "ms"}
		refused := &table{title: "refusal by " + c.name + ", by locks on the machine", unit: "ms"}
		for round := range h.warm + h.rounds {
			for _, n := range h.held {
				l, err := c.besideLocks(dir, n, h.settle)
				if err := errors.Join(context.Cause(ctx), err); err != nil {
					return nil, fmt.Errorf("%s beside %d locks: %w", c.name, n, err)
				}
				if round >= h.warm {
					ready.add(lockCount(n), milliseconds(l.ready))
					refused.add(lockCount(n), milliseconds(l.refused))
				}
			}
		}
		for _, n := range h.held[1:] {
			if c.name != "bare" {
				ready.row(lockCount(n)).target, refused.row(lockCount(n)).target = ratioOf(1.1), ratioOf(1.1)
			}
		}
		tables = append(tables, ready, refused)
	}
	return tables, nil
}

func lockCount(n int) string { return fmt.Sprintf("%d held", n) }

// besideLocks measures a start and a refusal while n locks are held.
func (c contestant) besideLocks(dir string, n int, settle time.Duration) (l life, err error) {
	release, err := startHolder(dir, rangesVariable+"="+strconv.Itoa(n))
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, release()) }()
	time.Sleep(settle)
	dir = filepath.Join(dir, "held", c.folder())
	p, err := start(c, dir)
	if err != nil {
		return l, err
	}
	became, err := p.await("READY=1")
	if err == nil {
		l.ready = became.Sub(p.begun)
		l.refused, err = c.refusal(dir)
	}
	if err == nil {
		err = errors.Join(p.signal(unix.SIGTERM), p.reap())
	}
	return l, p.end(err)
}
