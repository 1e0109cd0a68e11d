//go:build unix

package upgrade_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// A candidate has as many tries as it is given, and has to settle in each anew.
func TestIssue11_ACandidateHasItsTries(t *testing.T) {
	for _, tt := range []struct {
		content string
		tries   int
		want    upgrade.Result
		used    int
	}{
		{"v2 flaky", 0, upgrade.RolledBack, 1},
		{"v2 flaky", 1, upgrade.RolledBack, 1},
		{"v2 flaky", 2, upgrade.Confirmed, 2},
		{"v2 flaky", 5, upgrade.Confirmed, 2},
		{"v2 dies", 3, upgrade.RolledBack, 3},
	} {
		w := newWorld(t, "v1")
		got := w.upgrade(tt.content, tt.want, func(e *upgrade.Engine) { e.Tries = tt.tries })
		if got.Tries != tt.used || !got.Up || !slices.Equal(w.asked, []string{"restart"}) {
			t.Errorf("%q, %d tries: %+v, asked for %q", tt.content, tt.tries, got, w.asked)
		}
		if tt.want == upgrade.Confirmed && w.now.Sub(w.since) < 10*time.Second {
			t.Errorf("%q was confirmed %v after its last start", tt.content, w.now.Sub(w.since))
		}
	}
}

// A restart between two queries is noticed: the time to settle begins again.
func TestIssue11_ATryBetweenTwoQueriesIsNoticed(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) {
		e.Tries = 2
		status, begun, again := e.Status, w.now, false
		e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
			if !again && w.now.Sub(begun) >= 9*time.Second {
				again = true
				_ = w.start(ctx)
			}
			return status(ctx, id, candidate)
		}
	})
	if w.tried != 2 || w.now.Sub(w.since) < 10*time.Second {
		t.Errorf("it was confirmed %v after its start, in try %d", w.now.Sub(w.since), w.tried)
	}
}

// A query that takes long, as on a busy machine, tells nothing about the time after its beginning.
func TestASlowQueryDoesNotSettle(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v2 dies", upgrade.RolledBack, func(e *upgrade.Engine) {
		status, ready := e.Status, 0
		e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
			l := status(ctx, id, candidate)
			if l.OnTrial && l.Ready {
				if ready++; ready == 2 {
					w.now = w.now.Add(e.Settle)
				}
			}
			return l
		}
	})
}

// A service that fails repeatedly may be started by its manager between the beginning of the
// trial and the restart. The restart ends that try, and has one of its own.
func TestAManagerThatIsFasterThanTheRestartTakesNoTry(t *testing.T) {
	w := newWorld(t, "v1 broken")
	w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) {
		before := e.Before
		e.Before = func(step string) error {
			if step == "restart" {
				_ = w.start(t.Context())
			}
			return before(step)
		}
	})
	if w.tried != 2 || w.onTrial == "" {
		t.Errorf("it runs %q, in try %d", w.runs, w.tried)
	}
}

// The result of a query that is interrupted by the end of the trial's time is ignored. The
// reason is the time, and not that the service has ended.
func TestAQueryThatIsCutOffIsNoEnd(t *testing.T) {
	w := newWorld(t, "v1")
	got := w.upgrade("v2 sick", upgrade.RolledBack, func(e *upgrade.Engine) {
		e.Timeout = 10 * time.Millisecond
		status, restart, restarts := e.Status, e.Restart, 0
		e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
			if ctx.Err() != nil {
				return upgrade.Status{Running: true, Ready: true}
			}
			return status(ctx, id, candidate)
		}
		e.Restart = func(ctx context.Context) error {
			err := restart(ctx)
			if restarts++; restarts == 1 {
				<-ctx.Done()
			}
			return err
		}
	})
	if !strings.Contains(got.Reason, "it was not healthy for long enough") {
		t.Errorf("%+v", got)
	}
}

// With Again, a settled candidate is restarted once and has to settle again. That does not
// count as a failed try, and the manager may take its time.
func TestIssue11_RestartedOnceMore(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		again   bool
		settle  time.Duration
		slow    bool // the manager's restart returns while the old process still runs
		want    upgrade.Result
		asked   []string
		used    int
	}{
		"not asked for": {"v2 once", false, 10 * time.Second, false, upgrade.Confirmed, []string{"restart"}, 1},
		"perfect":       {"v2", true, 10 * time.Second, false, upgrade.Confirmed, []string{"restart", "restart"}, 2},
		"it fails then": {"v2 once", true, 10 * time.Second, false, upgrade.RolledBack, []string{"restart", "restart"}, 2},
		"at once":       {"v2 once", true, 0, false, upgrade.RolledBack, []string{"restart", "restart"}, 2},
		"slowly":        {"v2", true, 0, true, upgrade.Confirmed, []string{"restart", "restart"}, 2},
		"slowly failed": {"v2 once", true, 0, true, upgrade.RolledBack, []string{"restart", "restart"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "v1")
			got := w.upgrade(tt.content, tt.want, func(e *upgrade.Engine) {
				e.Again, e.Settle = tt.again, tt.settle
				if !tt.slow {
					return
				}
				restart, status, calls := e.Restart, e.Status, 0
				var stops time.Time
				e.Restart = func(ctx context.Context) error {
					if calls++; calls == 2 {
						w.asked = append(w.asked, "restart")
						stops = w.now.Add(3 * time.Second)
						return nil
					}
					return restart(ctx)
				}
				e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
					if !stops.IsZero() && w.now.After(stops) {
						stops = time.Time{}
						_ = w.start(ctx)
						w.asked = w.asked[:len(w.asked)-1]
					}
					return status(ctx, id, candidate)
				}
			})
			if got.Tries != tt.used || !got.Up || !slices.Equal(w.asked, tt.asked) {
				t.Errorf("%+v, asked for %q", got, w.asked)
			}
		})
	}
}

// If a package replaces the program during a trial, its version stays: the candidate does not
// overwrite it, and is not pinned.
func TestIssue11_AProgramThatIsReplacedMeanwhileStays(t *testing.T) {
	for _, running := range []bool{true, false} {
		w := newWorld(t, "v1")
		want := upgrade.Interrupted
		if !running {
			w.runs, want = "", upgrade.Refused
		}
		got := w.upgrade("v2", want, func(e *upgrade.Engine) {
			before := e.Before
			e.Before = func(step string) error {
				if step == "restart" || !running && step == "keep the previous version" {
					if err := os.Rename(w.put("unpacked", "v9 packaged"), w.stable); err != nil {
						t.Fatal(err)
					}
				}
				return before(step)
			}
		})
		if !strings.Contains(got.Reason, "replaced in the meantime") || running != (got.From.Version == "v9") {
			t.Errorf("%+v", got)
		}
		runs := "v9 packaged"
		if !running {
			runs = ""
		}
		w.wants("v9 packaged", runs, nil, nil)
		if left, _ := filepath.Glob(filepath.Join(w.dir, "feedd.versions", "*")); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		w.upgrade("v3", upgrade.Confirmed, nil)
	}
}

// Downtime includes the rollback: it ends when the previous version is ready, and begins when
// a ready candidate was last seen ready.
func TestIssue11_TheWayBackCountsAsDowntime(t *testing.T) {
	const start, query = 40 * time.Millisecond, 100 * time.Millisecond
	for content, want := range map[string]time.Duration{
		"v2 fails": start,
		"v2 hangs": 90*time.Second + query + start, // the longest time that anything takes in this world
		"v2 dies":  start + query + start,
		"v2 sick":  start + start,
	} {
		w := newWorld(t, "v1")
		if got := w.upgrade(content, upgrade.RolledBack, nil); got.Downtime != want {
			t.Errorf("%q: %v, want %v", content, got.Downtime, want)
		}
	}
}

// A candidate that ignores SIGTERM must not give way while the manager still waits for its
// end, because the manager would then kill the confirmed version.
func TestIssue11_ACandidateGivesWayByItselfBehindTheWayBack(t *testing.T) {
	w := newWorld(t, "v1")
	var deadline time.Duration
	w.upgrade("v2 hangs", upgrade.RolledBack, func(e *upgrade.Engine) {
		e.Timeout, e.Restore = time.Minute, 2*time.Minute
		restart := e.Restart
		e.Restart = func(ctx context.Context) error {
			if r, err := trial.Read(w.record(), true); err == nil {
				deadline = r.Deadline - w.now.Sub(noon)
			}
			return restart(ctx)
		}
	})
	if deadline < 3*time.Minute {
		t.Errorf("it gives way after %v", deadline)
	}
}

// If an upgrade begins during a stop, the service is stopped and stays so. If it begins during
// a restart, the service runs.
func TestIssue11_AStopUnderWayIsOneStill(t *testing.T) {
	for name, tt := range map[string]struct {
		failed bool
		down   time.Duration // between the stop and the start of a restart; 0: a stop
		asked  int
		runs   string
	}{
		"a stop":               {runs: ""},
		"that was not orderly": {failed: true, runs: ""},
		"a restart":            {down: time.Second, asked: 1, runs: "v2"},
		"a slow restart":       {down: 8 * time.Second, asked: 1, runs: "v2"},
	} {
		w, restart := newWorld(t, "v1"), tt.down > 0
		got := w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) {
			status, begun := e.Status, w.now
			e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
				l := status(ctx, id, candidate)
				switch age := w.now.Sub(begun); {
				case age < 2*time.Second:
					l.Stopping, l.Ready = true, false
				case !restart || age < 2*time.Second+tt.down:
					w.runs = ""
					l = upgrade.Status{Failed: tt.failed}
				case w.runs == "":
					_ = w.start(ctx)
					w.asked = nil
					l = status(ctx, id, candidate)
				}
				return l
			}
		})
		if got.Tried != restart || len(w.asked) != tt.asked || w.runs != tt.runs {
			t.Errorf("%s: %+v, asked for %q, %q runs", name, got, w.asked, w.runs)
		}
	}
	w := newWorld(t, "v1")
	got := w.upgrade("v2", upgrade.Refused, func(e *upgrade.Engine) {
		e.Status = func(context.Context, string, string) upgrade.Status {
			return upgrade.Status{Running: true, Stopping: true}
		}
	})
	if !strings.Contains(got.Reason, "the service is being stopped: took too long") {
		t.Errorf("%+v", got)
	}
	w.wants("v1", "v1", nil, nil)
}

// A service that fails again and again ends by itself, and is not waited for: what mends it is tried at once.
func TestIssue11_AnEndByItselfIsNoStop(t *testing.T) {
	w := newWorld(t, "v1 broken")
	w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) {
		status, asked := e.Status, 0
		e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
			if asked++; asked == 1 {
				return upgrade.Status{Running: true, Stopping: true}
			}
			l := status(ctx, id, candidate)
			l.Running = true // its manager tries again
			return l
		}
		begun, restart := w.now, e.Restart
		e.Restart = func(ctx context.Context) error {
			if waited := w.now.Sub(begun); waited > time.Second {
				t.Errorf("it waited for %v", waited)
			}
			return restart(ctx)
		}
	})
	w.wants("v2", "v2", []string{"v1 broken"}, nil)
}

// A restart that the manager refuses because another one is in progress is requested again. A
// good release is not rolled back because of that.
func TestIssue11_ARestartThatWasInTheWay(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) {
		restart, refusals := e.Restart, 0
		e.Restart = func(ctx context.Context) error {
			if refusals++; refusals < 3 {
				return errors.New("it is already running")
			}
			return restart(ctx)
		}
	})
	w.wants("v2", "v2", []string{"v1"}, nil)
}

// The candidate has ended, and its manager, on a busy machine, does not know that yet. The second
// such answer was the end of the trial, "without a trace", although the manager knows a reason,
// or restarts the candidate, a moment later. And it ignored the starts of the version before.
func TestAManagerThatHasNotNoticedTheEnd(t *testing.T) {
	const takes = 5
	w := newWorld(t, "v1")
	got := w.upgrade("v2 gone", upgrade.RolledBack, func(e *upgrade.Engine) {
		status, start, asked := e.Status, e.Start, 0
		e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
			l := status(ctx, id, candidate)
			if l.Running || asked == takes {
				return l
			}
			asked++
			return upgrade.Status{Behind: true, Failed: true, Why: "killed or crashed without a trace", Mute: true}
		}
		e.Start = func(ctx context.Context) error {
			if asked < takes {
				return nil
			}
			return start(ctx)
		}
	})
	if got.Reason != "killed by SIGKILL" || !got.Up {
		t.Errorf("%+v", got)
	}
	w.wants("v1", "v1", nil, []string{"v2: killed by SIGKILL"})
}
