//go:build unix

package upgrade_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// The conductor is killed in each restart of an upgrade, after the manager has stopped the
// service and before it starts it. The next call starts the confirmed version. After a reboot
// that is up to the manager.
func TestIssue11_KilledBetweenStopAndStart(t *testing.T) {
	self, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	type killed struct{}
	for name, tt := range map[string]struct {
		candidate string
		restart   int // number of the restart
		change    func(*upgrade.Engine)
		rebooted  bool
		stopping  int // how often the next call sees it stopping
		runs      string
	}{
		"of the trial":                          {"v2", 1, nil, false, 0, "v1"},
		"once more":                             {"v2", 2, func(e *upgrade.Engine) { e.Again = true }, false, 0, "v1"},
		"of the way back":                       {"v2 sick", 2, nil, false, 0, "v1"},
		"of the way back, then a reboot":        {"v2 sick", 2, nil, true, 0, ""},
		"of the way back, and the stop goes on": {"v2 sick", 2, nil, false, 3, "v1"},
		"from its path":                         {"v2", 2, keptOnce, false, 0, "v2"},
		"from its path, and the stop goes on":   {"v2", 2, keptOnce, false, 3, "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "v1")
			e := w.engine("u1", w.put("download", tt.candidate))
			e.Boots = func() []string { return []string{"b", self.Boot} }
			n, restart := 0, e.Restart
			e.Restart = func(ctx context.Context) error {
				if n++; n == tt.restart {
					w.runs, w.onTrial, w.since = "", "", w.now
					panic(killed{})
				}
				return restart(ctx)
			}
			if tt.change != nil {
				tt.change(e)
			}
			func() {
				defer func() {
					if _, ok := recover().(killed); !ok {
						t.Fatal("it was not killed")
					}
				}()
				_, _ = e.Run(t.Context())
			}()
			next := w.engine("u2", "")
			if next.Boots = e.Boots; tt.rebooted {
				next.Boots = func() []string { return []string{"another"} }
			}
			status, left := next.Status, tt.stopping
			next.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
				if left > 0 {
					left--
					return upgrade.Status{Running: true, Stopping: true}
				}
				return status(ctx, id, candidate)
			}
			if err := next.Recover(t.Context()); err != nil {
				t.Error(err)
			}
			if w.runs != tt.runs || w.onTrial != "" {
				t.Errorf("%q runs, want %q", w.runs, tt.runs)
			}
			w.tidy()
		})
	}
}

// keptOnce makes a process of the previous version keep the candidate as a child, until the
// restart after the confirmation.
func keptOnce(e *upgrade.Engine) {
	status, restarts := e.Status, 0
	restart := e.Restart
	e.Restart = func(ctx context.Context) error { restarts++; return restart(ctx) }
	e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
		l := status(ctx, id, candidate)
		l.Kept = restarts < 2
		return l
	}
}

// A service that is stopped during a trial stays stopped, even if the conductor is killed
// then.
func TestIssue11_KilledBehindAStop(t *testing.T) {
	w := newWorld(t, "v1")
	e := w.engine("u1", w.put("download", "v2"))
	if self, err := proc.Self(); err == nil {
		e.Boots = func() []string { return []string{"b", self.Boot} }
	}
	status, queries := e.Status, 0
	e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
		if queries++; queries == 4 {
			w.runs, w.onTrial = "", ""
		}
		l := status(ctx, id, candidate)
		if queries >= 4 {
			l.Asked = "asked to stop by SIGTERM"
		}
		return l
	}
	w.cut = func(step string) error {
		if step == "end" {
			return upgrade.ErrCut
		}
		return nil
	}
	if _, err := e.Run(t.Context()); !errors.Is(err, upgrade.ErrCut) {
		t.Fatal(err)
	}
	w.cut = nil
	next := w.engine("u2", "")
	next.Boots = e.Boots
	if err := next.Recover(t.Context()); err != nil || w.runs != "" {
		t.Errorf("%v; %q runs", err, w.runs)
	}
}

// If the installed version could not start again, there is no trial unless the user insists. A
// rollback to the previous version is always possible.
func TestIssue11_NoWayBack(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v2", upgrade.Confirmed, nil)
	refuses := func(e *upgrade.Engine) {
		e.Back = func(context.Context) error { return errors.New("feedd.toml:3: unknown key") }
	}
	got := w.upgrade("v3", upgrade.Refused, refuses)
	if !strings.Contains(got.Reason, "a rollback would be impossible: the installed version rejects the current configuration: feedd.toml:3: unknown key: use --force") || len(w.asked) > 0 {
		t.Errorf("%+v, asked for %q", got, w.asked)
	}
	w.wants("v2", "v2", []string{"v1"}, nil)
	if dirs, err := os.ReadDir(upgrade.VersionsDir(w.stable)); err != nil || len(dirs) != 2 {
		t.Errorf("%d versions lie there, %v", len(dirs), err)
	}
	w.upgrade("", upgrade.Confirmed, refuses)
	w.wants("v1", "v1", []string{"v2"}, nil)
	got = w.upgrade("v3", upgrade.Confirmed, func(e *upgrade.Engine) { refuses(e); e.Force = true })
	if !strings.Contains(strings.Join(got.Notes, "; "), "a rollback was impossible") {
		t.Errorf("%+v", got)
	}
	w.runs = "" // it was stopped: nothing is tried
	w.upgrade("v4", upgrade.Confirmed, refuses)
}

// If only the exit code is known, the reason is what the service has printed.
func TestIssue11_WhatItPrintedIsTheReason(t *testing.T) {
	for printed, want := range map[string]string{"panic: no": "panic: no", "": "exit code 2"} {
		w := newWorld(t, "v1")
		got := w.upgrade("v2 gone", upgrade.RolledBack, func(e *upgrade.Engine) {
			status := e.Status
			e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
				l := status(ctx, id, candidate)
				if l.Why != "" {
					l.Why, l.Mute = "exit code 2", true
				}
				return l
			}
			e.Printed = func(_ context.Context, since time.Time) string {
				if !since.Equal(noon) {
					t.Errorf("since %v", since)
				}
				return printed
			}
		})
		if got.Reason != want {
			t.Errorf("%q, want %q", got.Reason, want)
		}
	}
}

// If the disk prevents the confirmation after a successful trial, the candidate is not pinned.
func TestIssue11_ADiskThatDoesNotConfirmPinsNobody(t *testing.T) {
	for _, step := range []string{"keep the previous version", "confirm"} {
		w := newWorld(t, "v1")
		w.cut = func(at string) error {
			if at == step {
				return syscall.EROFS
			}
			return nil
		}
		got := w.upgrade("v2", upgrade.Interrupted, nil)
		if !strings.Contains(got.Reason, syscall.EROFS.Error()) || !got.Up || !got.Tried {
			t.Errorf("%s: %+v", step, got)
		}
		w.wants("v1", "v1", nil, nil)
		w.cut = nil
		w.upgrade("v2", upgrade.Confirmed, nil)
		w.wants("v2", "v2", []string{"v1"}, nil)
	}
}
