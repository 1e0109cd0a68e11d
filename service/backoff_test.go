//go:build linux || darwin || windows

package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
)

// rerun starts the service again like its manager: restart.delay after the end of the last
// run. It returns the time from that end to the call of Start.
func rerun(b *bench, p *program) (after time.Duration, err error) {
	ended := time.Now()
	time.Sleep(2 * time.Second) // restart.delay
	start := p.start
	p.start = func(ctx context.Context, rt *service.Runtime) error {
		after = time.Since(ended)
		if start == nil {
			return nil
		}
		return start(ctx, rt)
	}
	b.run(b.t.Context(), p)
	return after, b.end()
}

// fails is a program that fails some time after it was ready.
func fails(after time.Duration) *program {
	return &program{start: func(_ context.Context, rt *service.Runtime) error {
		rt.Go("work", func(ctx context.Context) error {
			select {
			case <-time.After(after):
			case <-ctx.Done():
			}
			return errors.New("broken")
		})
		return nil
	}}
}

func near(got, want time.Duration) bool { return got >= want && got < want+100*time.Millisecond }

func TestDelaysGrowUntilItIsWell(t *testing.T) {
	for name, tt := range map[string]struct {
		host string
		want []int // seconds
	}{
		"a manager":        {"systemd", []int{2, 2, 4, 8, 16, 20, 20}},
		"nobody, each run": {aPerson, []int{2, 2, 2, 2}},
		"sysv, which starts nothing again without a supervisor": {"sysv", []int{2, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.name, b.cfg.Restart = tt.host, service.Restart{Backoff: 2, MaxDelay: 20 * time.Second}
				for i, want := range tt.want {
					after, err := rerun(b, fails(time.Second))
					if err == nil || !near(after, time.Duration(want)*time.Second) {
						t.Errorf("run %d: started after %v, want %ds; %v", i+1, after, want, err)
					}
				}
				if tt.host != "systemd" {
					return
				}
				if after, _ := rerun(b, fails(6*time.Minute)); !near(after, 20*time.Second) {
					t.Errorf("one more: %v", after)
				}
				for i, want := range []int{2, 4} {
					if after, _ := rerun(b, fails(time.Second)); !near(after, time.Duration(want)*time.Second) {
						t.Errorf("%d after it was well: started after %v", i+1, after)
					}
				}
			})
		})
	}
}

// Another version has not failed yet, and one that was restored was well before. So an upgrade
// never waits.
func TestAnotherVersionIsNotKeptWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.Restart = "systemd", service.Restart{Backoff: 10, MaxDelay: time.Hour}
		for i, run := range []struct {
			version string
			want    int // seconds
		}{{"1", 2}, {"1", 2}, {"1", 20}, {"2", 2}, {"2", 2}, {"2", 20}, {"1", 2}} {
			b.cfg.Version = run.version
			if after, err := rerun(b, fails(time.Second)); err == nil || !near(after, time.Duration(run.want)*time.Second) {
				t.Errorf("run %d, of version %s: started after %v, want %ds; %v", i+1, run.version, after, run.want, err)
			}
		}
	})
}

// A long Start that fails does not count as time in which the service was well.
func TestALongStartThatFailsIsNoHealth(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.Restart, b.cfg.StartTimeout = "systemd", service.Restart{Backoff: 3, MaxDelay: time.Hour}, time.Hour
		hangs := func() *program {
			return &program{start: func(context.Context, *service.Runtime) error {
				time.Sleep(10 * time.Minute)
				return errors.New("broken")
			}}
		}
		for i, want := range []int{2, 2, 6, 18} {
			if after, err := rerun(b, hangs()); err == nil || !near(after, time.Duration(want)*time.Second) {
				t.Errorf("run %d: started after %v, want %ds; %v", i+1, after, want, err)
			}
		}
	})
}

// The end of a killed run is unknown. The manager has waited since then.
func TestKilledRunsCount(t *testing.T) {
	for name, tt := range map[string]struct {
		last string
		want time.Duration
	}{
		"for the third time":              {`"started":"1999-12-31T23:59:50Z","ready":"1999-12-31T23:59:51Z","quick":2,"restarts":2`, 8 * time.Second},
		"after it was well":               {`"started":"1999-12-31T00:00:00Z","ready":"1999-12-31T00:00:01Z","quick":2,"restarts":2`, 2 * time.Second},
		"of a version that did not count": {`"started":"1999-12-31T23:59:50Z","restarts":17`, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) { // where it is 2000-01-01 00:00 at first
				b.name, b.cfg.Restart = "launchd", service.Restart{Backoff: 2}
				if err := os.MkdirAll(b.cfg.StateDir, 0o755); err != nil {
					t.Fatal(err)
				}
				self, err := proc.Self()
				if err != nil {
					t.Fatal(err)
				}
				self.Start-- // another one, of this boot
				process, err := json.Marshal(self)
				if err != nil {
					t.Fatal(err)
				}
				last := fmt.Sprintf(`{"process":%s,%s}`, process, tt.last)
				if err := os.WriteFile(b.cfg.StateDir+"/feedd.lastrun.json", []byte(last), 0o600); err != nil {
					t.Fatal(err)
				}
				if after, _ := rerun(b, fails(time.Second)); !near(after, tt.want) {
					t.Errorf("started after %v, want %v", after, tt.want)
				}
			})
		})
	}
}

// The wait is visible, and counts as progress however long it is. It ends at once when a stop
// is requested; then the program is not started, and the count of quick ends is reset.
func TestAStopEndsTheWaitBeforeTheStart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.StartTimeout = "scm", 10*time.Second
		b.cfg.Restart = service.Restart{Backoff: 100, MaxDelay: time.Hour}
		for range 3 {
			_, _ = rerun(b, fails(time.Second))
		}
		waits, told := 0, ""
		heard := b.heard
		var mu sync.Mutex
		b.heard = func(n platform.Notice) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(n.Text, "waiting before the start") {
				waits++
				told = n.Text
				if n.Extend <= 10*time.Second {
					t.Errorf("asked for %v more", n.Extend)
				}
			}
			heard(n)
		}
		time.Sleep(2 * time.Second)
		b.run(t.Context(), &program{start: func(context.Context, *service.Runtime) error {
			t.Error("started all the same")
			return nil
		}})
		time.Sleep(time.Minute + time.Second)
		mu.Lock()
		if waits != 13 || !strings.Contains(told, "3 runs in a row") || !strings.HasSuffix(told, "left") {
			t.Errorf("told %d times of the wait, last %q", waits, told)
		}
		mu.Unlock()
		asked := time.Now()
		b.stop()
		if err := b.end(); err != nil || time.Since(asked) > time.Second {
			t.Errorf("%v, %v later", err, time.Since(asked))
		}
		b.heard = heard
		if after, _ := rerun(b, fails(time.Second)); !near(after, 2*time.Second) {
			t.Errorf("after the stop it was started after %v", after)
		}
	})
}
