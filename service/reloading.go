package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/reload"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// serveReloads runs the reloads that the gate passes on, until a stop is requested.
func (l *life) serveReloads() {
	defer close(l.reloads)
	l.gate.Serve(l.stopping, l.reload)
}

// reload runs one reload, from its announcement to its outcome.
func (l *life) reload(ctx context.Context) error {
	l.sink.Reopen() // even if the reload fails: logrotate needs nothing else
	at := time.Now()
	begun, err := proc.Monotonic()
	if err != nil {
		return err
	}
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	from := l.phase.current()
	if !l.enter(platform.PhaseReloading, func(*State) {}) {
		return reload.ErrStopping
	}
	err = l.reloadProgram(ctx, from == platform.PhaseStandby)
	if err != nil {
		l.log.Error("reload failed: the old configuration stays", "error", err)
		l.alarms.Raise(alarm.ReloadFailed, "", "the old configuration stays: "+oneLine(err))
	} else {
		l.log.Info("reloaded")
	}
	// The gate updates its counters after this call, so they do not include this
	// reload yet.
	stats, took := l.gate.Stats(), time.Since(at)
	outcome := func(s *State) {
		s.Reloads = Reloads{
			Requested: stats.Requested, Completed: stats.Completed + 1, Failed: stats.Failed,
			LastStart: begun, LastEnd: time.Now(),
			LastTook: took, Took: s.Reloads.Took + took,
		}
		if err != nil {
			s.Reloads.Failed++
			s.Reloads.LastError = err.Error()
		}
	}
	if !l.enter(from, outcome) { // the stop has begun, but the requesters still need the outcome
		_ = l.state.await(l.state.change(outcome)) // the writer warns
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		l.fail(err) // the state of the program is unknown
	}
	return err
}

// reloadProgram reads our own table again, then calls the program's Reload. An error of either
// leaves the old configuration in force. The program of a candidate that waits has not started,
// and its sockets are not open: it takes the new ones at its start.
func (l *life) reloadProgram(ctx context.Context, standby bool) error {
	if l.overrun != nil && !l.overrun.ended() {
		return errors.New("an earlier reload has overrun its time limit and still runs")
	}
	limit := l.clocks.start(ctx, l.cfg.ReloadTimeout)
	defer limit.stop()
	fresh := l.cfg
	if l.cfg.File != "" {
		reading := begin("read the configuration", func() (err error) { fresh, err = l.machine.load(l.cfg.origin()); return err })
		if err := reading.wait(limit.ctx); err != nil {
			if !reading.ended() { // the mount may hang; the stop does not wait for it
				l.overrun = reading
				err = fmt.Errorf("read the configuration %s: %w", l.cfg.File, err)
			}
			return err
		}
	}
	if standby {
		return l.takeStandby(fresh)
	}
	change, err := l.sockets().Change(limit.ctx, fresh.Sockets)
	if err != nil {
		return l.denied(err)
	}
	changed := false
	defer func() {
		if !changed {
			change.Rollback()
		}
	}()
	if r, ok := l.prog.(Reloader); ok {
		call := begin("Reload", func() error { return r.Reload(l.with(limit.ctx)) })
		select {
		case <-call.done:
		case <-limit.ctx.Done():
			if errors.Is(context.Cause(limit.ctx), ErrOverrun) && !call.ended() {
				l.overrun = call
				return fmt.Errorf("program's Reload %w of %v", ErrOverrun, l.cfg.ReloadTimeout)
			}
			<-call.done // or the stop, which waits for us, continues without it
		}
		if call.err != nil {
			return l.denied(call.err)
		}
	}
	if err := l.sink.SetLevel(fresh.Log.Level); err != nil {
		return err
	}
	changed = true
	err = change.Commit(limit.ctx)
	l.noteSockets()
	if err != nil {
		return l.denied(err)
	}
	l.alarms.Reload(fresh.Alarm)
	l.take(fresh, change != nil)
	return nil
}

// takeStandby takes a new configuration before the start of the program.
func (l *life) takeStandby(fresh *Config) error {
	if err := l.sink.SetLevel(fresh.Log.Level); err != nil {
		return err
	}
	l.sites, l.own = fresh.Sockets, fresh.programSettings
	l.alarms.Reload(fresh.Alarm)
	l.take(fresh, true)
	return nil
}

// take records the settings that this reload has brought into force. It logs the names of
// changed settings that a reload does not take, and the command that does. Without a
// configuration file nothing can have changed. sockets reports whether the reload has taken
// the sockets: it cannot take others than the program has asked for.
func (l *life) take(cfg *Config, sockets bool) {
	if cfg.File == "" {
		return
	}
	manager, fresh := l.host.Name(), cfg.allSettings()
	by := map[TakenBy][]string{}
	taken := maps.Clone(l.settings)
	for _, key := range Differing(l.settings, fresh) {
		kind := Takes(manager, l.cfg.Scope, key)
		if key == "socket" && sockets {
			kind = TakenByReload
		}
		by[kind] = append(by[kind], key)
		if kind != TakenByReload {
			continue
		}
		if value, ok := fresh[key]; ok {
			taken[key] = value
		} else {
			delete(taken, key)
		}
	}
	l.settings = taken
	own := maps.Clone(cfg.programSettings)
	for _, key := range Differing(l.own, own) {
		if TakenByProgram(l.prog, key) == TakenByReload {
			continue
		}
		by[TakenByRestart] = append(by[TakenByRestart], key)
		if before, ok := l.own[key]; ok { // the program still has the old value
			own[key] = before
		} else {
			delete(own, key)
		}
	}
	l.state.update(func(s *State) { s.Settings, s.ProgramSettings = taken, own })
	warn := func(kind TakenBy, text string) {
		if keys := by[kind]; len(keys) > 0 {
			l.log.Warn(text, "keys", strings.Join(keys, ", "))
		}
	}
	warn(TakenByRestart, "settings have changed that take effect at the next start: restart applies them")
	warn(TakenByInstall, "settings have changed that are part of "+manager+"'s definition of the service: install --restart applies them, a restart alone does not")
}
