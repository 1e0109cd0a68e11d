//go:build linux || darwin || windows

package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A pager is a web hook that the test plays.
type pager struct {
	mu   sync.Mutex
	got  []alarm.Event
	hang bool
	fail error
}

func (p *pager) Post(ctx context.Context, _ alarm.Config, body []byte) error {
	p.mu.Lock()
	hang, fail := p.hang, p.fail
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fail != nil {
		return fail
	}
	var e alarm.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, e)
	return nil
}

// kinds returns the kinds of the alarms that it got, in order.
func (p *pager) kinds() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, e := range p.got {
		all = append(all, strings.TrimSpace(string(e.Kind)+" "+e.Subject))
	}
	return strings.Join(all, ", ")
}

func (p *pager) last(t *testing.T) alarm.Event {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) == 0 {
		t.Fatal("nobody was told")
	}
	return p.got[len(p.got)-1]
}

func (b *bench) tell(p *pager) {
	b.cfg.AlarmWebhook = p
	b.cfg.Alarm = alarm.Config{Webhook: "http://localhost/alarms", Every: time.Millisecond}
	// The state of the machine's own disks must not affect the test.
	for _, k := range alarm.Kinds() {
		if k != alarm.DiskLow {
			b.cfg.Alarm.Events = append(b.cfg.Alarm.Events, string(k))
		}
	}
}

// soon lets everything happen that is due within seconds.
func soon() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

var errBench = errors.New("out of order")

func TestAlarmsOfALife(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{}
		b.tell(p)
		b.cfg.HealthInterval = time.Second
		var mu sync.Mutex
		var ill error
		set := func(err error) { mu.Lock(); ill = err; mu.Unlock(); soon() }
		var bad error
		var rt *service.Runtime
		b.run(t.Context(), &program{
			start: func(_ context.Context, r *service.Runtime) error {
				rt = r
				r.HealthCheck("db", func(context.Context) error { mu.Lock(); defer mu.Unlock(); return ill })
				return nil
			},
			reload: func(context.Context) error { return bad },
		})
		b.await(platform.PhaseReady)
		soon()
		expect := func(want string) {
			t.Helper()
			if got := p.kinds(); got != want {
				t.Errorf("told of %q, want %q", got, want)
			}
			p.mu.Lock()
			p.got = nil
			p.mu.Unlock()
		}
		expect("")
		b.ask(platform.RequestReload)
		soon()
		expect("")
		bad = errBench
		b.ask(platform.RequestReload)
		soon()
		if e := p.last(t); e.Text != "the old configuration stays: out of order" || e.Service != "feedd" || e.Term != 1 {
			t.Errorf("%+v", e)
		}
		expect("reload-failed")
		set(errBench)
		expect("health-lost db")
		set(nil)
		expect("health-regained db")
		rt.Alarm("queue", "1000 wait")
		soon()
		if e := p.last(t); e.Text != "1000 wait" {
			t.Errorf("%+v", e)
		}
		expect("program queue")
		if err := os.Remove(filepath.Join(b.cfg.RuntimeDir, "feedd.pid")); err != nil {
			t.Fatal(err)
		}
		soon()
		expect("tampered")
		if err := recovery.WriteWork(rt.Dirs().JournalFile("feedd"), recovery.Work{SetAside: 2}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		soon()
		expect("poison-work")
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		expect("")
	})
}

// lives runs the service once with that Start.
func (b *bench) lives(t *testing.T, start func() error) {
	t.Helper()
	b.run(t.Context(), &program{start: func(context.Context, *service.Runtime) error { return start() }})
	_ = b.end()
}

// A run that fails raises the alarm itself, because there may be no next run. The next run
// does not raise it again.
func TestAFailureIsToldOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{}
		b.tell(p)
		b.lives(t, func() error { return errBench })
		if e := p.last(t); p.kinds() != "unclean-end" || !strings.Contains(e.Text, "Start: out of order") {
			t.Errorf("%s: %+v", p.kinds(), e)
		}
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		soon()
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if p.kinds() != "unclean-end" {
			t.Error(p.kinds())
		}
	})
}

// If a run could not raise an alarm, the next one does. An open record is what kill -9 leaves.
func TestTheNextRunTellsOfTheLast(t *testing.T) {
	for name, tt := range map[string]struct {
		record  recovery.LastRun
		version string
		want    string
		says    string
	}{
		"killed":      {recovery.LastRun{Term: 7}, "", "unclean-end", "killed or crashed without a trace (killed; 1 in a row)"},
		"forced":      {recovery.LastRun{Term: 7, Forced: true, Exit: &platform.Exit{Code: 1, Reason: "asked twice"}}, "", "stop-overran", "asked twice"},
		"a loop":      {recovery.LastRun{Term: 7, Restarts: 2, Soon: 2}, "", "unclean-end, restart-loop", "3 runs in a row ended soon"},
		"no loop":     {recovery.LastRun{Term: 7, Restarts: 9, Soon: 1}, "", "unclean-end", "10 in a row"},
		"rolled back": {recovery.LastRun{Term: 7, Version: "2.0", Trial: "x", Exit: &platform.Exit{Clean: true}}, "1.0", "rolled-back", "version 2.0 ran before, and 1.0"},
		"in order":    {recovery.LastRun{Term: 7, Exit: &platform.Exit{Clean: true}}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				p := &pager{}
				b.tell(p)
				b.cfg.Version = tt.version
				self, err := proc.Self() // a record of this boot
				if err != nil {
					t.Fatal(err)
				}
				tt.record.Process = self
				tt.record.Started = time.Now().Add(-time.Minute)
				content, err := json.Marshal(tt.record)
				if err != nil {
					t.Fatal(err)
				}
				dirs := service.Dirs{State: b.cfg.StateDir}
				if err := errors.Join(os.MkdirAll(b.cfg.StateDir, 0o700), os.WriteFile(dirs.LastRunFile("feedd"), content, 0o600)); err != nil {
					t.Fatal(err)
				}
				for range 2 { // and only the next one
					b.run(t.Context(), &program{})
					b.await(platform.PhaseReady)
					soon()
					b.stop()
					if err := b.end(); err != nil {
						t.Error(err)
					}
				}
				if got := p.kinds(); got != tt.want {
					t.Errorf("told of %q, want %q", got, tt.want)
				}
				if tt.says != "" && !strings.Contains(p.last(t).Text, tt.says) {
					t.Errorf("%q", p.last(t).Text)
				}
			})
		})
	}
}

// A stop that overruns raises one alarm, and its consequences raise none. An earlier failure,
// which the stop is for, raises its own.
func TestAStopThatOverruns(t *testing.T) {
	for name, tt := range map[string]struct {
		fails bool
		want  string
	}{"asked to": {false, "stop-overran"}, "by a failure": {true, "stop-overran, unclean-end"}} {
		t.Run(name, func(t *testing.T) { stopOverruns(t, tt.fails, tt.want) })
	}
}

func stopOverruns(t *testing.T, fails bool, want string) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		failing := make(chan struct{})
		p := &pager{}
		b.tell(p)
		b.run(t.Context(), &program{
			start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("deaf", func(context.Context) error { hang(); return nil })
				rt.Go("fails", func(ctx context.Context) error {
					select {
					case <-failing:
						return errors.New("no database")
					case <-ctx.Done():
						return nil
					}
				})
				return nil
			},
			stop: func(context.Context) error { hang(); return nil },
		})
		b.await(platform.PhaseReady)
		soon()
		if fails {
			close(failing)
		} else {
			b.stop()
		}
		if err := b.end(); err == nil {
			t.Error("no error")
		}
		if got := p.kinds(); got != want || p.got[0].Count != 1 || !strings.Contains(p.got[0].Text, "stop: step Stop") {
			t.Errorf("%q: %+v", got, p.got)
		}
	})
}

// An alarm that hangs delays nothing: not readiness, a reload, a stop, or the end by a failure
// that was there before the alarm.
func TestAlarmsThatHangDelayNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{hang: true}
		b.tell(p)
		b.cfg.Alarm.Timeout = time.Hour
		b.lives(t, func() error { return errBench }) // the next one has something to tell at once
		for _, ends := range []struct {
			by   string
			want time.Duration
		}{{"a stop", 0}, {"a failure", 0}} {
			begun := time.Now()
			took := func(what string, want time.Duration) {
				t.Helper()
				if got := time.Since(begun); got != want {
					t.Errorf("%s: %s took %v", ends.by, what, got)
				}
				begun = time.Now()
			}
			fail := make(chan error, 1)
			b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("worker", func(ctx context.Context) error {
					select {
					case err := <-fail:
						return err
					case <-ctx.Done():
						return nil
					}
				})
				return nil
			}})
			b.await(platform.PhaseReady)
			took("the start", 0)
			soon()
			begun = time.Now()
			b.ask(platform.RequestReload)
			b.await(platform.PhaseReloading)
			b.await(platform.PhaseReady)
			took("a reload", 0)
			if ends.by == "a stop" {
				b.stop()
			} else {
				fail <- errBench
			}
			_ = b.end()
			took("the end", ends.want)
		}
		p.mu.Lock()
		p.hang = false
		p.mu.Unlock()
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		soon()
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if got := p.kinds(); got == "" {
			t.Error("what could not be delivered is lost")
		}
	})
}

// A service that fails waits a moment, and no longer, for its last alarm.
func TestTheEndOfAServiceThatFailsWaitsAMoment(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{hang: true}
		b.tell(p)
		begun := time.Now()
		b.lives(t, func() error { return errBench })
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the end took %v", took)
		}
	})
}

// A second instance is refused, and the first one raises the alarm.
func TestTheRefusedInstanceIsToldOf(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{}
		b.tell(p)
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		second := make(chan error, 1)
		go func() {
			second <- b.machine.RunOn(t.Context(), &host{requests: make(chan platform.Request)}, b.cfg, &program{})
		}()
		if err := <-second; service.ExitCode(err) != platform.ExitAlreadyRunning {
			t.Errorf("the second ended with %v", err)
		}
		soon()
		if e := p.last(t); p.kinds() != "second-instance" || !strings.Contains(e.Text, "started by test) was refused") {
			t.Errorf("%s: %+v", p.kinds(), e)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// If the program does not include web hooks, the key is refused with its place.
func TestAWebhookThatNobodyAskedFor(t *testing.T) {
	path := write(t, "[service]\n[service.alarm]\nwebhook = \"https://secret.example/T0/B1\"\n")
	_, err := service.Config{Name: "feedd", File: path}.Load()
	if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), path+":3: service.alarm.webhook: this program has no web hooks") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	cfg, err := service.Config{Name: "feedd", File: path, AlarmWebhook: &pager{}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	settings, err := cfg.InForce(&program{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if s.Key == "service.alarm.webhook" && (!s.Hidden || s.Value != "") {
			t.Errorf("%v", s)
		}
	}
}

// A reload takes [service.alarm]: the ways of delivery, and whether alarms are delivered at
// all.
func TestAReloadTakesTheAlarms(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		p := &pager{}
		b.cfg.AlarmWebhook = p
		b.cfg.File = write(t, "")
		bad := errBench
		b.run(t.Context(), &program{
			start:  func(context.Context, *service.Runtime) error { return nil },
			reload: func(context.Context) error { return bad },
		})
		b.await(platform.PhaseReady)
		const key = "alarm.webhook"
		reload := func(text string) {
			t.Helper()
			if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			b.ask(platform.RequestReload)
			soon()
		}
		const table = "[service.alarm]\nwebhook = \"http://localhost/alarms\"\nevery = \"1ms\"\nevents = [\"reload-failed\"]\n"
		reload(table) // the program refuses it, so nothing changes
		if got := p.kinds(); got != "" || b.state().Settings[key] != "" {
			t.Errorf("told of %q, %v in force", got, b.state().Settings)
		}
		bad = nil
		reload(table)
		bad = errBench
		reload(table)
		if got := p.kinds(); got != "reload-failed" || b.state().Settings[key] == "" {
			t.Errorf("told of %q, %v in force", got, b.state().Settings)
		}
		bad = nil
		reload("")
		bad = errBench
		reload("")
		if got := p.kinds(); got != "reload-failed" || b.state().Settings[key] != "" {
			t.Errorf("told of %q, %v in force", got, b.state().Settings)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if text := b.logText(); strings.Contains(text, "settings have changed") {
			t.Errorf("the reload says that it does not take them:\n%s", text)
		}
	})
}
