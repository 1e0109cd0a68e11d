package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A round sends SIGHUPs after delays since exec up to this one, each to a new process. On an idle machine all programs
// can handle the signal before it.
const lastInstant = 8 * time.Millisecond

// measureInstants counts the programs that are killed by a SIGHUP right after exec, before any
// line of the program could run. The programs take turns at every delay, so that disturbances
// affect all of them.
//
// Of 2000 each, on two busy cores, 813 bare programs were killed, 812 with service.Run and 821
// with cli.Main. From exec to the handling of SIGHUP it took 1.10 ms (median of 400) in bare
// and 1.18 ms in both of ours. It had been 1.43 and 1.58 ms when main handled SIGHUP. Of the
// rest, 0.04 ms are package toml/internal, which asks for the local time and is initialised
// before os. The remainder is spread over Go's own start in a larger program.
func measureInstants(ctx context.Context, h *harness) ([]*table, error) {
	contestants, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	t := &table{title: "SIGHUP in the first " + lastInstant.String() + ": killed", unit: "of " + strconv.Itoa(h.instants)}
	total := make(map[string]int) // a median of such small numbers is too coarse
	for range h.rounds {
		killed := make([]int, len(contestants))
		for i := range h.instants {
			for n, c := range contestants {
				if !c.reloads {
					continue
				}
				died, err := c.hangUp(filepath.Join(h.disk().dir, "instant", strconv.Itoa(n)), lastInstant*time.Duration(i)/time.Duration(h.instants))
				if err := cmp.Or(context.Cause(ctx), err); err != nil {
					return nil, fmt.Errorf("%s: %w", c.name, err)
				}
				if died {
					killed[n]++
				}
			}
		}
		for n, c := range contestants {
			if c.reloads {
				t.add(c.name, float64(killed[n]))
				total[c.name] += killed[n]
			}
		}
	}
	for _, name := range []string{"service.Run", "cli.Main"} {
		ratio := float64(total[name]) / float64(max(total[contestants[0].name], 1))
		t.row(name).target = &target{
			fmt.Sprintf("<= 1.10 x base, %d to %d of %d: %.2f", total[name], total[contestants[0].name], h.instants*h.rounds, ratio),
			func(_, _ float64) bool { return ratio <= 1.1 },
		}
	}
	return []*table{t}, nil
}

// hangUp reports whether c died of a SIGHUP after that delay.
func (c contestant) hangUp(dir string, delay time.Duration) (bool, error) {
	p, err := start(c, dir)
	if err != nil {
		return false, err
	}
	for begun := time.Now(); time.Since(begun) < delay; { // time.Sleep is less exact
	}
	_ = p.signal(syscall.SIGHUP)
	if _, err := p.await("READY=1"); err == nil {
		_ = p.signal(syscall.SIGTERM)
	}
	last := time.AfterFunc(patience, func() { _ = p.process.Kill() })
	defer last.Stop()
	state, err := p.process.Wait()
	p.reaped = true
	if err != nil {
		return false, p.end(err)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGHUP {
		return true, p.end(nil)
	}
	if !state.Success() {
		err = errors.New(state.String())
	}
	return false, p.end(err)
}
