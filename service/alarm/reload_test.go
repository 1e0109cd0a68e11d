package alarm_test

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// A hook is a web hook that accepts everything.
type hook struct{ got chan string }

func (h hook) Post(_ context.Context, c alarm.Config, _ []byte) error {
	h.got <- c.Webhook
	return nil
}

func (h hook) urls() (all []string) {
	for len(h.got) > 0 {
		all = append(all, <-h.got)
	}
	return all
}

func texts(d *desk) (all []string) {
	for _, e := range d.events() {
		all = append(all, e.Text)
	}
	return all
}

// byNobody, byCommand and byHook are the configurations of delivery.
var (
	byNobody  = alarm.Config{}
	byCommand = alarm.Config{Command: []string{"/bin/tell"}}
	byHook    = alarm.Config{Webhook: "https://hooks.example/a"}
)

// A way of delivery that only a reload configures gets later alarms, and those that an earlier
// run has left.
func TestAReloadNamesSomebody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.fails(errTest)
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "left")
		settle(time.Second)
		desk.Close(time.Second)
		d.fails(nil)

		d.o.Config = byNobody
		desk = d.open()
		desk.Raise(alarm.Tampered, "", "for nobody")
		desk.Level(alarm.DiskLow, "/", 1, "low")
		desk.Flush(t.Context(), time.Hour)
		settle(time.Hour)
		desk.Reload(byNobody)
		settle(time.Hour)
		if got := texts(d); got != nil {
			t.Errorf("told of %q", got)
		}
		desk.Reload(byCommand)
		desk.Raise(alarm.HealthLost, "db", "ill")
		settle(time.Second)
		desk.Close(time.Second)
		if got, want := texts(d), []string{"left", "low", "ill"}; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("told of %q, want %q", got, want)
		}
	})
}

// A Desk without a way of delivery has no goroutines: the bubble would wait for them.
func TestADeskForNobodyDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.o.Config = byNobody
		desk := d.open()
		desk.Reload(byNobody)
		if !desk.Close(0) {
			t.Error("there is something to close")
		}
		desk.Reload(byCommand)
		desk.Raise(alarm.Tampered, "", "after the end")
		settle(time.Minute)
		if got := texts(d); got != nil {
			t.Errorf("told of %q after the end", got)
		}
	})
}

// While there is no way of delivery, waiting alarms are kept. Levels are reported afterwards.
func TestAReloadNamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.o.Dirs = []string{"/data"}
		var full atomic.Bool
		d.Space = func(string) (files.Space, error) {
			if full.Load() {
				return files.Space{Size: 100 << 30}, nil
			}
			return files.Space{}, nil
		}
		d.fails(errTest)
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "waits")
		settle(time.Second)
		d.fails(nil)
		desk.Reload(byNobody)
		desk.Raise(alarm.Tampered, "", "for nobody")
		full.Store(true)
		settle(time.Hour)
		if got := texts(d); got != nil {
			t.Errorf("told of %q", got)
		}
		if r := report(t, d.o.File); r.Pending != 1 {
			t.Errorf("%+v", r)
		}
		desk.Reload(byCommand)
		settle(2 * time.Minute)
		desk.Close(time.Second)
		if got, want := texts(d), []string{"waits", "the disk of /data is nearly full: 0 MiB of 102400 MiB are free"}; !slices.Equal(got, want) {
			t.Errorf("told of %q, want %q", got, want)
		}
	})
}

// Waiting alarms use the new way at once, though the old one has just failed, and the old way
// is no longer reported.
func TestAReloadMendsAWay(t *testing.T) {
	for name, c := range map[string]alarm.Config{"another command": {Command: []string{"/bin/tell", "them"}}, "another way": byHook} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, h := newDesk(t), hook{make(chan string, 9)}
				d.o.Poster = h
				d.fails(errTest)
				desk := d.open()
				desk.Raise(alarm.ReloadFailed, "", "x")
				settle(2 * time.Hour)
				d.fails(nil)
				desk.Reload(c)
				settle(time.Second)
				counts := desk.Counts()
				desk.Close(time.Second)
				if told := len(texts(d)) + len(h.urls()); told != 1 || counts.Pending != 0 {
					t.Errorf("told %d times, %+v", told, counts)
				}
				if r := report(t, d.o.File); len(r.Failing()) != 0 || len(r.Ways) != 1 || counts.Ways[0].Failed == 0 {
					t.Errorf("%+v, %+v", r, counts)
				}
			})
		})
	}
}

// A reload for another reason does not cause a retry: a hundred tries take a day.
func TestAReloadOfTheSameChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.fails(errTest)
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		for range 200 {
			settle(time.Second)
			desk.Reload(byCommand)
		}
		if c := desk.Counts(); c.Ways[0].Failed != 5 || c.Pending != 1 { // at 0, 10, 30, 70 and 150 seconds
			t.Errorf("%+v", c)
		}
		desk.Close(time.Second)
	})
}

// A delivery in progress continues. If it fails, the alarm uses only the new way.
func TestAReloadDuringADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := newDesk(t), hook{make(chan string, 9)}
		d.o.Poster = h
		var tried []string
		d.Command = func(ctx context.Context, c alarm.Config, _ alarm.Event, _ *slog.Logger) error {
			tried = append(tried, c.Command[0])
			<-ctx.Done()
			return context.Cause(ctx)
		}
		d.o.Config.Timeout = 5 * time.Second
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		settle(time.Second)
		desk.Reload(byHook)
		settle(time.Second)
		if got := h.urls(); !slices.Equal(got, []string{byHook.Webhook}) {
			t.Errorf("posted to %q", got)
		}
		settle(time.Hour)
		desk.Raise(alarm.ReloadFailed, "", "y")
		settle(time.Hour)
		desk.Close(time.Second)
		if got := h.urls(); !slices.Equal(got, []string{byHook.Webhook}) || !slices.Equal(tried, []string{"/bin/tell"}) {
			t.Errorf("then posted to %q, and told %q", got, tried)
		}
		if r := report(t, d.o.File); r.Pending != 0 || len(r.Ways) != 1 || r.Ways[0].Name != "webhook" {
			t.Errorf("%+v", r)
		}
	})
}

// A delivery that began before the reload and fails after it does not delay the repaired way.
func TestAFailureBeforeTheReloadIsNoneOfTheMendedWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		var tried []string
		d.Command = func(ctx context.Context, c alarm.Config, _ alarm.Event, _ *slog.Logger) error {
			tried = append(tried, c.Command[0])
			if c.Command[0] == "/bin/mended" {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		d.o.Config.Timeout = 5 * time.Second
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		settle(5*time.Second + 10*time.Second + 5*time.Second + 20*time.Second + time.Second) // in the third try
		desk.Reload(alarm.Config{Command: []string{"/bin/mended"}})
		settle(5 * time.Second)
		desk.Close(time.Second)
		if want := []string{"/bin/tell", "/bin/tell", "/bin/tell", "/bin/mended"}; !slices.Equal(tried, want) {
			t.Errorf("tried %q, want %q", tried, want)
		}
	})
}

// The pause between two alarms of a kind is that of the configuration in force.
func TestAReloadShortensThePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.o.Config.Every = 24 * time.Hour
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		settle(time.Minute)
		desk.Raise(alarm.ReloadFailed, "", "y")
		settle(time.Hour)
		if got := texts(d); len(got) != 1 {
			t.Errorf("told of %q", got)
		}
		c := byCommand
		c.Every, c.Events = time.Minute, []string{string(alarm.ReloadFailed)}
		desk.Reload(c)
		settle(time.Minute)
		desk.Raise(alarm.Tampered, "", "not told any more")
		settle(time.Minute)
		desk.Close(time.Second)
		if got := texts(d); !slices.Equal(got, []string{"x", "y"}) {
			t.Errorf("told of %q", got)
		}
	})
}
