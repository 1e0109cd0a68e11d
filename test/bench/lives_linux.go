package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A life has the measurements of one life of a program.
type life struct {
	ready, refused, reload, reloaded, stop time.Duration
	cpu                                    time.Duration
	faults, rss                            int64 // faults are the minor ones; rss is in bytes
	again                                  time.Duration
}

// A figure is one column of the lives.
type figure struct {
	title, unit string
	of          func(life) float64
	service     *target // of service.Run
	command     *target // of cli.Main
	without     string  // a note for programs that do not have it; empty: all have
}

func figures() []figure {
	return []figure{
		{"exec -> READY", "ms", func(l life) float64 { return milliseconds(l.ready) }, ratioOf(1.35), ratioOf(1.45), ""},
		{"SIGTERM -> reaped", "ms", func(l life) float64 { return milliseconds(l.stop) }, ratioOf(1.2), ratioOf(1.2), ""},
		{"SIGHUP -> Reload called", "µs", func(l life) float64 { return microseconds(l.reload) }, ratioOf(1.5), ratioOf(1.5), diesOfHangup},
		{"SIGHUP -> READY again", "µs", func(l life) float64 { return microseconds(l.reloaded) }, ratioOf(1.5), ratioOf(1.5), diesOfHangup},
		{"refusal of a second instance", "ms", func(l life) float64 { return milliseconds(l.refused) }, ratioOf(1.3), ratioOf(1.3), refusesNobody},
		{"exec -> READY after kill -9", "ms", func(l life) float64 { return milliseconds(l.again) }, nil, nil, ""},
		{"processor time of a life", "ms", func(l life) float64 { return milliseconds(l.cpu) }, ratioOf(1.6), ratioOf(1.6), ""},
		{"page faults of a life", "faults", func(l life) float64 { return float64(l.faults) }, nil, nil, ""},
		{"idle RSS", "MiB", func(l life) float64 { return float64(l.rss) / (1 << 20) }, beyond(2.5, "MiB"), beyond(2.5, "MiB"), ""},
	}
}

const (
	diesOfHangup  = "dies of SIGHUP"
	refusesNobody = "runs twice"
)

func measureLives(ctx context.Context, h *harness, p place) ([]*table, error) {
	contestants, err := h.contestants(ctx)
	if err != nil {
		return nil, err
	}
	var tables []*table
	for _, f := range figures() {
		t := &table{title: f.title + ", " + p.name, unit: f.unit}
		if f.unit == "ms" {
			t.second = allFiles
		}
		tables = append(tables, t)
	}
	for round := range h.warm + h.rounds {
		for _, c := range contestants {
			l, err := c.live(filepath.Join(p.dir, "life", c.folder()), h.settle, h.reloads)
			if err := cmp.Or(context.Cause(ctx), err); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round < h.warm {
				continue // creates the files, warms the caches
			}
			for i, f := range figures() {
				if f.without == diesOfHangup && !c.reloads || f.without == refusesNobody && !c.refuses {
					tables[i].row(c.name).note = f.without
					continue
				}
				tables[i].add(c.name, f.of(l))
			}
		}
	}
	for i, f := range figures() {
		tables[i].row("service.Run").target, tables[i].row("cli.Main").target = f.service, f.command
	}
	return tables, nil
}

// live lives a life of c that ends in order, and then the start of one after a kill -9. It
// returns when c has ended. dir keeps its files between lives.
func (c contestant) live(dir string, settle time.Duration, reloads int) (l life, err error) {
	p, err := start(c, dir)
	if err != nil {
		return life{}, err
	}
	if l, err = p.measure(c, dir, settle, reloads); err != nil {
		return l, p.end(err)
	}
	_ = p.end(nil)
	if p, err = startReady(c, dir); err != nil {
		return l, err
	}
	_ = p.end(nil) // by kill -9
	if p, err = start(c, dir); err != nil {
		return l, err
	}
	became, err := p.await("READY=1")
	l.again = became.Sub(p.begun)
	if err == nil {
		time.Sleep(settle) // some are ready before they listen
		_ = p.signal(syscall.SIGTERM)
		err = p.reap()
	}
	return l, p.end(err)
}

func (p *program) measure(c contestant, dir string, settle time.Duration, reloads int) (l life, err error) {
	begun := p.begun
	became, err := p.await("READY=1")
	if err != nil {
		return l, err
	}
	l.ready = became.Sub(begun)
	time.Sleep(settle)
	if l.rss, err = residentSet(p.pid()); err != nil {
		return l, err
	}
	if c.refuses {
		if l.refused, err = c.refusal(dir); err != nil {
			return l, err
		}
	}
	if c.reloads {
		if l.reload, l.reloaded, err = p.reload(settle, reloads); err != nil {
			return l, err
		}
	}
	time.Sleep(settle)
	begun = time.Now()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return l, err
	}
	if err := p.reap(); err != nil {
		return l, err
	}
	l.stop = time.Since(begun)
	l.cpu = p.used.UserTime() + p.used.SystemTime()
	if usage, ok := p.used.SysUsage().(*syscall.Rusage); ok {
		l.faults = usage.Minflt
	}
	return l, nil
}

// refusal returns how long a second instance takes to say that there is one, and to end.
func (c contestant) refusal(dir string) (time.Duration, error) {
	p, err := startAs(c, dir, ".second")
	if err != nil {
		return 0, err
	}
	if reaped := p.reap(); p.used.ExitCode() < 1 {
		err = errors.Join(errors.New("a second instance was not refused"), reaped)
	}
	return time.Since(p.begun), p.end(err)
}

// reload returns the medians of some reloads, each of an idle program: until its Reload was
// called, and until it was ready again.
func (p *program) reload(settle time.Duration, reloads int) (called, ready time.Duration, err error) {
	var calls, whole []float64
	for range reloads {
		time.Sleep(settle / time.Duration(reloads))
		sent, err := monotonic()
		if err != nil {
			return 0, 0, err
		}
		begun := time.Now()
		if err := p.signal(syscall.SIGHUP); err != nil {
			return 0, 0, err
		}
		at, err := p.told()
		if err != nil {
			return 0, 0, err
		}
		became, err := p.await("READY=1")
		if err != nil {
			return 0, 0, err
		}
		calls, whole = append(calls, float64(at-sent)), append(whole, float64(became.Sub(begun)))
	}
	return time.Duration(median(calls)), time.Duration(median(whole)), nil
}

// residentSet returns the memory of a process, in bytes.
func residentSet(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, resident int64 // pages: proc_pid_statm(5)
	if _, err := fmt.Sscan(string(status), &size, &resident); err != nil {
		return 0, fmt.Errorf("/proc/%d/statm: %w", pid, err)
	}
	return resident * int64(os.Getpagesize()), nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
