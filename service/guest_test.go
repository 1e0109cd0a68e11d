//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A plainProgram is no Reloader.
type plainProgram struct{ p *program }

func (p plainProgram) Start(ctx context.Context, rt *service.Runtime) error {
	return p.p.Start(ctx, rt)
}
func (p plainProgram) Stop(ctx context.Context) error { return p.p.Stop(ctx) }

// A guest may end its process in its Stop. The record on disk then says that the end was
// clean, if nothing had failed before.
func TestGuestEndsInStop(t *testing.T) {
	for name, failure := range map[string]error{"asked": nil, "failed": errors.New("the worker fell over")} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.Guest = &service.Guest{Singleton: true}
			var seen recovery.LastRun
			b.run(t.Context(), plainProgram{&program{
				start: func(_ context.Context, rt *service.Runtime) error {
					if failure != nil {
						rt.Go("worker", func(context.Context) error { return failure })
					}
					return nil
				},
				stop: func(context.Context) (err error) {
					seen, err = recovery.Read(filepath.Join(b.cfg.StateDir, "feedd.lastrun.json"))
					return err
				},
			}})
			if failure == nil {
				b.await(platform.PhaseReady)
				b.stop()
			}
			if err := b.end(); !errors.Is(err, failure) {
				t.Error(err)
			}
			if seen.Clean() != (failure == nil) {
				t.Errorf("in its Stop the record says %+v", seen.Exit)
			}
		})
	}
}

// A guest that is no Reloader gets SIGHUP itself.
func TestGuestIsNotReloaded(t *testing.T) {
	b := newBench(t)
	b.cfg.Guest = &service.Guest{Singleton: true}
	b.run(t.Context(), plainProgram{&program{}})
	b.await(platform.PhaseReady)
	b.ask(platform.RequestReload)
	b.ask(platform.RequestReload) // the first request has been handled
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if strings.Contains(b.logText(), "reload requested") || slices.Contains(b.phases, platform.PhaseReloading) {
		t.Errorf("it was reloaded: %v\n%s", b.phases, b.logText())
	}
}

// A second guest serves as well, with records of its own that disappear with it, unless only
// one is allowed.
func TestGuestBesideAnother(t *testing.T) {
	for _, tt := range []struct {
		host string
		only bool
	}{{"systemd", false}, {"systemd", true}, {"sysv", false}} { // a SysV script cannot prevent a second start
		only := tt.only || tt.host == "sysv"
		b := newBench(t)
		b.host.name = tt.host
		b.cfg.Guest = &service.Guest{Singleton: tt.only}
		own := ""
		b.machine.Acquire = func(o singleton.Options) (*singleton.Lock, error) {
			if o.Dir == b.cfg.RuntimeDir {
				return nil, singleton.ErrHeld
			}
			own = o.Dir
			return singleton.Acquire(o)
		}
		b.run(t.Context(), plainProgram{&program{}})
		if only {
			if err := b.end(); service.ExitCode(err) != platform.ExitAlreadyRunning {
				t.Errorf("got %v", err)
			}
			continue
		}
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(own); own == "" || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is left: %v", own, err)
		}
	}
}

// A guest that is started by hand does not use the service's directories.
func TestGuestByHand(t *testing.T) {
	b := newBench(t)
	b.cfg.Guest = &service.Guest{}
	b.host.name = aPerson
	b.run(t.Context(), plainProgram{&program{}})
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(b.cfg.RuntimeDir); len(left) > 0 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v", left, err)
	}
}

// The command lines with which managers start a guest and call holdfast's commands.
func TestGuestUnit(t *testing.T) {
	c, err := service.Config{Name: "feedd", Args: []string{"not this"}, Guest: &service.Guest{
		Exec: []string{"serve", "-x"}, Way: []string{"/usr/bin/env", "AS=feedd"}, Reload: []string{"/bin/reload"},
	}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.Unit("/opt/feedd", platform.ScopeSystem)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ got, want string }{
		"exec":   {strings.Join(u.Exec, " "), "/opt/feedd serve -x"},
		"reload": {strings.Join(u.Reload, " "), "/bin/reload"},
		"spawn":  {strings.Join(u.Commands.Spawn, " "), "/usr/bin/env AS=feedd /opt/feedd spawn"},
		"stop":   {strings.Join(u.Commands.Stop, " "), "/usr/bin/env AS=feedd /opt/feedd stop --scope system --manager none --kill --timeout 40s"},
		"await":  {strings.Join(u.Commands.Await, " "), "/usr/bin/env AS=feedd /opt/feedd await --scope system --manager none --timeout 1m10s"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
	c.Guest.Reloads = true
	if u, err = c.Unit("/opt/feedd", platform.ScopeSystem); err != nil || !slices.Contains(u.Reload, "--direct") {
		t.Errorf("%v, %q", err, u.Reload)
	}
}
