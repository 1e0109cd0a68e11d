package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// reloadsEach is the number of reloads in one life. The value of the round is their median.
const reloadsEach = 5

// A life has the measurements of one life of a program.
type life struct {
	ready, reload, stop time.Duration
	rss                 int64 // bytes
}

func measureLives(ctx context.Context, o options, p place, contestants []contestant) ([]*table, error) {
	ready := &table{title: "exec -> READY, " + p.name, unit: "ms"}
	stop := &table{title: "SIGTERM -> reaped, " + p.name, unit: "ms"}
	reload := &table{title: "SIGHUP -> Reload called, " + p.name, unit: "µs"}
	rss := &table{title: "idle RSS, " + p.name, unit: "MiB"}
	for round := range o.rounds + 1 {
		for _, c := range contestants {
			l, err := c.live(filepath.Join(p.dir, strings.NewReplacer(" ", "-", "/", "-", ",", "").Replace(c.name)), o.settle)
			if err := cmp.Or(context.Cause(ctx), err); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round == 0 {
				continue // creates the files, warms the caches
			}
			ready.add(c.name, milliseconds(l.ready))
			stop.add(c.name, milliseconds(l.stop))
			rss.add(c.name, float64(l.rss)/(1<<20))
			if c.reloads {
				reload.add(c.name, microseconds(l.reload))
			} else {
				reload.row(c.name).note = "dies of SIGHUP"
			}
		}
	}
	ready.second, stop.second = allFiles, allFiles
	ready.row("service.Run").target = ratioOf(1.25)
	ready.row("cli.Main").target = ratioOf(1.5)
	for _, name := range []string{"service.Run", "cli.Main"} {
		stop.row(name).target = ratioOf(1.5)
		reload.row(name).target = ratioOf(1.5)
		rss.row(name).target = beyond(4, rss.unit)
	}
	return []*table{ready, stop, reload, rss}, nil
}

// live starts c, takes all measurements, and returns when c has ended. dir keeps its files
// between lives.
func (c contestant) live(dir string, settle time.Duration) (life, error) {
	p, err := start(c, dir)
	if err != nil {
		return life{}, err
	}
	l, err := p.measure(settle, c.reloads)
	return l, p.end(err)
}

func (p *program) measure(settle time.Duration, reloads bool) (l life, err error) {
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
	if reloads {
		if l.reload, err = p.reload(settle); err != nil {
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
	return l, nil
}

// reload returns the median of some reloads, each of an idle program.
func (p *program) reload(settle time.Duration) (time.Duration, error) {
	var took []float64
	for range reloadsEach {
		time.Sleep(settle / reloadsEach)
		sent, err := monotonic()
		if err != nil {
			return 0, err
		}
		if err := p.signal(syscall.SIGHUP); err != nil {
			return 0, err
		}
		called, err := p.reloaded()
		if err != nil {
			return 0, err
		}
		took = append(took, float64(called-sent))
		if _, err := p.await("READY=1"); err != nil {
			return 0, err
		}
	}
	return time.Duration(median(took)), nil
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
