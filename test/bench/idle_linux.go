package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/test/bench/programs/tell"
)

// measureIdle counts how often idle programs wake up, all at the same time. They have no
// heartbeat.
func measureIdle(ctx context.Context, h *harness) ([]*table, error) {
	all, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	t := &table{title: fmt.Sprintf("wake-ups of an idle program in %v", h.idle), unit: "wake-ups"}
	var running []*program
	defer func() {
		for _, p := range running {
			_ = p.end(nil)
		}
	}()
	all = named(all, "bare", "service.Run", "cli.Main", "kardianos/service")
	for _, c := range all {
		c.env = []string{tell.IdleVariable + "=1"}
		p, err := startReady(c, filepath.Join(h.places[0].dir, "idle", c.folder()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		running = append(running, p)
	}
	if err := pause(ctx, 50*h.settle); err != nil { // the Go runtime returns memory for some seconds
		return nil, err
	}
	before := make([]int64, len(all))
	for i, p := range running {
		if before[i], err = wakeups(p.pid()); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, h.idle); err != nil {
		return nil, err
	}
	for i, p := range running {
		after, err := wakeups(p.pid())
		if err != nil {
			return nil, err
		}
		t.add(all[i].name, float64(after-before[i]))
	}
	t.row("service.Run").target, t.row("cli.Main").target = beyond(0, t.unit), beyond(0, t.unit)
	return []*table{t}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wakeups returns how often the threads of a process have gone to sleep, which is how often
// they have woken up.
func wakeups(pid int) (n int64, err error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(paths) == 0 {
		return 0, errors.Join(err, fmt.Errorf("process %d has no threads", pid))
	}
	for _, path := range paths {
		status, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(status)) {
			if count, found := strings.CutPrefix(line, "voluntary_ctxt_switches:"); found {
				v, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
				if err != nil {
					return 0, fmt.Errorf("%s: %w", path, err)
				}
				n += v
			}
		}
	}
	return n, nil
}
