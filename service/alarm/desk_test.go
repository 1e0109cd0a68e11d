package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// A desk is a Desk to test in a bubble. Only its files are real.
type desk struct {
	alarm.Doubles
	o alarm.Options

	mu   sync.Mutex
	got  []alarm.Event
	fail error // the result of the command
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{o: alarm.Options{
		Config: alarm.Config{Command: []string{"/bin/tell"}}, File: alarm.File(t.TempDir(), "feedd"),
		Service: "feedd", Host: "here", Version: "1.2", Term: 7, Log: slog.New(slog.DiscardHandler),
	}}
	d.Command = func(_ context.Context, _ alarm.Config, e alarm.Event, _ *slog.Logger) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.fail == nil {
			d.got = append(d.got, e)
		}
		return d.fail
	}
	d.Take = func(string) (*alarm.Note, error) { return nil, nil }
	d.Space = func(string) (files.Space, error) { return files.Space{}, nil }
	return d
}

func (d *desk) open() *alarm.Desk { return alarm.OpenWith(d.o, d.Doubles) }

func (d *desk) fails(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func (d *desk) events() []alarm.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

// settle lets everything happen that is due within d.
func settle(d time.Duration) {
	time.Sleep(d) // by the bubble's clock
	synctest.Wait()
}

func report(t *testing.T, file string) alarm.Report {
	t.Helper()
	r, err := alarm.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		return alarm.Report{}
	}
	return *r
}

var errTest = errors.New("no way")

func TestAnAlarmIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "the new one is bad")
		settle(time.Second)
		got := d.events()
		if len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		e := got[0]
		if e.Kind != alarm.ReloadFailed || e.Text != "the new one is bad" || e.Count != 1 || e.Service != "feedd" || e.Host != "here" || e.Term != 7 || e.ID == "" {
			t.Errorf("%+v", e)
		}
		if !desk.Close(time.Second) {
			t.Error("not closed")
		}
		if r := report(t, d.o.File); r.Pending != 0 || len(r.Ways) != 1 || r.Ways[0].LastSuccess.IsZero() || len(r.Failing()) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// An alarm is in the file before it is delivered, so that a kill in between does not lose it.
func TestAnAlarmIsInTheFileBeforeItIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		pending := -1
		d.Command = func(context.Context, alarm.Config, alarm.Event, *slog.Logger) error {
			pending = report(t, d.o.File).Pending
			return nil
		}
		desk := d.open()
		desk.Raise(alarm.Tampered, "", "x")
		settle(time.Second)
		desk.Close(time.Second)
		if pending != 1 {
			t.Errorf("%d in the file", pending)
		}
	})
}

func TestAlarmsOfAKindAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		desk := d.open()
		begun := time.Now()
		for i := range 100 {
			desk.Raise(alarm.Tampered, "", fmt.Sprint(i))
			settle(time.Second)
		}
		desk.Raise(alarm.HealthLost, "db", "of another kind")
		desk.Raise(alarm.HealthLost, "queue", "of another subject")
		settle(5 * time.Minute)
		got := d.events()
		if len(got) != 4 || got[0].Count != 1 || got[1].Kind != alarm.HealthLost || got[2].Subject != "queue" {
			t.Fatalf("%+v", got)
		}
		last := got[3]
		if last.Count != 99 || last.Text != "99" || last.First.Sub(begun) != time.Second || last.Last.Sub(begun) != 99*time.Second || last.ID == got[0].ID {
			t.Errorf("%+v", last)
		}
		desk.Close(time.Second)
	})
}

// The limit also holds between runs. Otherwise a restart loop would cause a flood.
func TestAlarmsAreJoinedOverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for i := range 20 {
			d.o.Term = uint64(i)
			desk := d.open()
			desk.RaiseOnce(fmt.Sprint("unclean-end.", i), alarm.UncleanEnd, "", "killed")
			settle(time.Second)
			desk.Close(time.Second)
		}
		desk := d.open()
		settle(5 * time.Minute)
		desk.Close(time.Second)
		got := d.events()
		if len(got) != 2 || got[1].Count != 19 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnAlarmWithAnIDIsRaisedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for range 3 {
			desk := d.open()
			desk.RaiseOnce("unclean-end.7", alarm.UncleanEnd, "", "killed")
			desk.RaiseOnce("unclean-end.7", alarm.UncleanEnd, "", "killed")
			settle(time.Hour)
			desk.Close(time.Second)
		}
		if got := d.events(); len(got) != 1 || got[0].Count != 1 || got[0].ID != "unclean-end.7" {
			t.Errorf("%+v", got)
		}
	})
}

// The next run delivers what could not be delivered.
func TestAnAlarmOutlivesItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.fails(errTest)
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		settle(time.Second)
		desk.Close(time.Second)
		r := report(t, d.o.File)
		if r.Pending != 1 || len(r.Failing()) != 1 || r.Failing()[0].Error != errTest.Error() {
			t.Errorf("%+v", r)
		}
		d.fails(nil)
		d.o.Term = 8
		desk = d.open()
		settle(time.Second)
		desk.Close(time.Second)
		if got := d.events(); len(got) != 1 || got[0].Term != 7 {
			t.Errorf("%+v", got)
		}
		if r := report(t, d.o.File); r.Pending != 0 || len(r.Failing()) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestAFailingWayIsTriedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.Every = time.Hour
		d.o.Config.DiskEvery = time.Hour
		var at []time.Time
		d.Command = func(context.Context, alarm.Config, alarm.Event, *slog.Logger) error {
			at = append(at, time.Now())
			return errTest
		}
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		settle(30 * time.Hour)
		desk.Close(time.Second)
		if len(at) != 100 {
			t.Fatalf("tried %d times", len(at))
		}
		for i, want := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} {
			if got := at[i+1].Sub(at[i]); got != want {
				t.Errorf("pause %d is %v", i, got)
			}
		}
		if took := at[99].Sub(at[0]); took < 20*time.Hour || took > 30*time.Hour || at[99].Sub(at[98]) != 15*time.Minute {
			t.Errorf("given up after %v", took)
		}
		if r := report(t, d.o.File); r.Pending != 0 || r.Dropped != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// changes are told by the test.
type changes struct {
	told  chan struct{}
	armed atomic.Int32
	fails error
}

func (c *changes) Arm() error            { c.armed.Add(1); return c.fails }
func (c *changes) Told() <-chan struct{} { return c.told }
func (c *changes) Close()                {}

// If the system reports notes, a desk takes a note as soon as it is left, looks once a second
// during a burst of changes, and never looks otherwise. If the system does not report them,
// the desk looks every second.
func TestNotesAreLookedForWhenThereIsAReason(t *testing.T) {
	for name, c := range map[string]struct {
		fails           error
		storm           bool
		looks           time.Duration
		atLeast, atMost int
	}{
		"nothing happens": {looks: time.Hour, atLeast: 1, atMost: 1},
		"a storm":         {storm: true, looks: time.Minute, atLeast: 50, atMost: 62},
		"untold":          {fails: errTest, looks: time.Minute, atLeast: 59, atMost: 62},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.o.Config.DiskEvery = 24 * time.Hour
				told := &changes{told: make(chan struct{}, 1), fails: c.fails}
				d.o.Changes = told
				var note atomic.Pointer[alarm.Note]
				d.Take = func(path string) (*alarm.Note, error) {
					if !strings.HasSuffix(path, string(alarm.SecondInstance)) {
						return nil, nil
					}
					return note.Swap(nil), nil
				}
				desk := d.open()
				end := time.Now().Add(c.looks)
				for c.storm && time.Now().Before(end) {
					told.told <- struct{}{}
					time.Sleep(time.Millisecond)
				}
				settle(time.Until(end))
				if n := int(told.armed.Load()); n < c.atLeast || n > c.atMost {
					t.Errorf("looked %d times in %v", n, c.looks)
				}
				note.Store(&alarm.Note{Kind: alarm.SecondInstance, Text: "who", Count: 1})
				if c.fails == nil {
					select {
					case told.told <- struct{}{}:
					default: // of the storm there is one yet
					}
				}
				settle(2 * time.Second)
				if got := d.events(); len(got) != 1 || got[0].Text != "who" {
					t.Errorf("told of %+v", got)
				}
				desk.Close(time.Second)
			})
		})
	}
}

// No alarm delays whoever raises it, or the end.
func TestNothingWaitsForAlarms(t *testing.T) {
	block := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, hang := range map[string]func(d *desk, released chan struct{}){
		"a command that sleeps": func(d *desk, _ chan struct{}) {
			d.Command = func(ctx context.Context, _ alarm.Config, _ alarm.Event, _ *slog.Logger) error { return block(ctx) }
		},
		"a disk that cannot be read": func(d *desk, released chan struct{}) {
			d.Read = func(string) error { <-released; return nil }
		},
		"a disk that cannot be written": func(d *desk, released chan struct{}) {
			d.Write = func(string, []byte) error { <-released; return nil }
		},
		"a disk that does not say what is free": func(d *desk, released chan struct{}) {
			d.o.Dirs = []string{"/"}
			d.Space = func(string) (files.Space, error) { <-released; return files.Space{}, nil }
		},
		"a directory that cannot be read": func(d *desk, released chan struct{}) {
			d.Take = func(string) (*alarm.Note, error) { <-released; return nil, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				released := make(chan struct{})
				hang(d, released)
				begun := time.Now()
				desk := d.open()
				for i := range 10_000 {
					desk.Raise(alarm.FromProgram, fmt.Sprint(i), "x")
				}
				if took := time.Since(begun); took != 0 {
					t.Errorf("raising took %v", took)
				}
				settle(20 * time.Second)
				begun = time.Now()
				desk.Flush(t.Context(), 2*time.Second)
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("Flush took %v", took)
				}
				begun = time.Now()
				closed := desk.Close(time.Second)
				if took := time.Since(begun); took > time.Second || closed && took > 0 {
					t.Errorf("Close took %v, %v", took, closed)
				}
				close(released)
				synctest.Wait()
			})
		})
	}
}

// A full or hanging disk is a reason for an alarm, and must not prevent it.
func TestAlarmsArriveWithoutADisk(t *testing.T) {
	for name, write := range map[string]func(released chan struct{}) error{
		"full":  func(chan struct{}) error { return errTest },
		"hangs": func(released chan struct{}) error { <-released; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				released := make(chan struct{})
				d.Write = func(string, []byte) error { return write(released) }
				desk := d.open()
				desk.Raise(alarm.ReloadFailed, "", "x")
				settle(3 * time.Second)
				if got := d.events(); len(got) != 1 {
					t.Errorf("%+v", got)
				}
				desk.Close(time.Second)
				close(released)
				synctest.Wait()
			})
		})
	}
}

// A stop waits for a delivery that makes progress, but not for one that hangs.
func TestFlush(t *testing.T) {
	for name, tt := range map[string]struct {
		takes, before, want time.Duration
	}{
		"it takes a while": {time.Second, 0, time.Second},
		"too long":         {time.Hour, 0, 2 * time.Second},
		"it hung before":   {time.Hour, 5 * time.Second, 0},
		"nothing to do":    {time.Millisecond, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.Command = func(ctx context.Context, _ alarm.Config, _ alarm.Event, _ *slog.Logger) error {
					select {
					case <-time.After(tt.takes):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				desk := d.open()
				desk.Raise(alarm.ReloadFailed, "", "x")
				settle(tt.before)
				begun := time.Now()
				desk.Flush(t.Context(), 2*time.Second)
				if took := time.Since(begun); took != tt.want {
					t.Errorf("waited %v", took)
				}
				desk.Close(time.Second)
			})
		})
	}
}

func TestMoreThanFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.fails(errTest)
		desk := d.open()
		for i := range 3 * alarm.MaxPending {
			desk.Raise(alarm.FromProgram, fmt.Sprint(i), "x")
			settle(time.Millisecond)
		}
		settle(time.Second)
		if r := report(t, d.o.File); r.Pending != alarm.MaxPending || r.Dropped != 2*alarm.MaxPending {
			t.Errorf("%+v", r)
		}
		d.fails(nil)
		settle(time.Hour)
		desk.Close(time.Second)
		got := d.events()
		if len(got) != alarm.MaxPending || got[0].Dropped != 2*alarm.MaxPending || got[1].Dropped != 0 {
			t.Errorf("%d, of which the first says that %d were dropped, the next %d", len(got), got[0].Dropped, got[1].Dropped)
		}
	})
}

func TestWhichAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.o.Config.Events = []string{"tampered"}
		desk := d.open()
		desk.Raise(alarm.ReloadFailed, "", "x")
		desk.Raise(alarm.Tampered, "", "x")
		settle(time.Second)
		desk.Close(time.Second)
		if got := d.events(); len(got) != 1 || got[0].Kind != alarm.Tampered {
			t.Errorf("%+v", got)
		}
		var none *alarm.Desk
		none.Raise(alarm.Tampered, "", "")
		none.Level(alarm.DiskLow, "", 1, "")
		none.Flush(t.Context(), time.Hour)
		none.Reload(alarm.Config{})
		if !none.Close(time.Hour) {
			t.Error("somebody is told, and nobody is to be")
		}
	})
}

func TestADiskThatIsNearlyFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		const mib = 1 << 20
		free := uint64(900 * mib)
		d.o.Dirs = []string{"/a", "/b", "/c"}
		var mu sync.Mutex
		d.Space = func(dir string) (files.Space, error) {
			mu.Lock()
			defer mu.Unlock()
			switch dir {
			case "/b": // the same disk
				dir = "/a"
			case "/c":
				return files.Space{}, errTest
			}
			return files.Space{Free: free, Size: 10_000 * mib, Device: dir}, nil
		}
		set := func(n uint64) {
			mu.Lock()
			free = n * mib
			mu.Unlock()
			settle(10 * time.Minute)
		}
		desk := d.open()
		set(900)
		if got := d.events(); len(got) != 0 {
			t.Errorf("900 MiB are free: %+v", got)
		}
		set(400)
		got := d.events()
		if len(got) != 1 || got[0].Kind != alarm.DiskLow || got[0].Subject != "/a" || got[0].Text != "the disk of /a is nearly full: 400 MiB of 10000 MiB are free" {
			t.Errorf("%+v", got)
		}
		desk.Close(time.Second)
		d.o.Term = 8
		desk = d.open() // the next run has nothing new to report
		set(400)
		set(550) // not enough to be no longer low
		set(450)
		if got := d.events(); len(got) != 1 {
			t.Errorf("told again: %+v", got)
		}
		set(700)
		set(300)
		if got := d.events(); len(got) != 2 {
			t.Errorf("it was over, and is so again: %+v", got)
		}
		desk.Close(time.Second)
	})
}

func TestLow(t *testing.T) {
	const gib = 1 << 30
	for name, tt := range map[string]struct {
		c    alarm.Config
		s    files.Space
		want string
	}{
		"a big disk has 2 % left, which are 20 GiB": {s: files.Space{Free: 20 * gib, Size: 1000 * gib}},
		"a big disk has half a GiB left":            {s: files.Space{Free: gib / 2, Size: 1000 * gib}, want: "512 MiB of 1024000 MiB are free"},
		"a small disk has half of itself":           {s: files.Space{Free: 50 << 20, Size: 100 << 20}},
		"a small disk has nothing":                  {s: files.Space{Size: 100 << 20}, want: "0 MiB of 100 MiB are free"},
		"inodes":                                    {s: files.Space{Free: gib * 90, Size: 100 * gib, Inodes: 1000, FreeInodes: 49}, want: "49 of 1000 inodes are free"},
		"no inodes are counted":                     {s: files.Space{Free: gib * 90, Size: 100 * gib}},
		"nothing is":                                {},
		"by the settings":                           {c: alarm.Config{DiskFree: 30 * gib, DiskFreePercent: 50}, s: files.Space{Free: 20 * gib, Size: 1000 * gib}, want: "20480 MiB of 1024000 MiB are free"},
	} {
		if got := alarm.Low(tt.c, tt.s, false); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// Notes for the running service come from a refused instance and from `alarm test`.
func TestNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.Take = nil
		now := time.Now()
		for i := range 3 {
			at := now.Add(time.Duration(i) * time.Second)
			if err := alarm.Leave(d.o.File, alarm.Note{Kind: alarm.SecondInstance, Text: fmt.Sprint("process ", i), Count: 1, First: at, Last: at}); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(d.o.File+".test", []byte("no JSON"), 0o600); err != nil {
			t.Fatal(err)
		}
		desk := d.open()
		settle(2 * time.Second)
		got := d.events()
		if len(got) != 1 || got[0].Count != 3 || got[0].Text != "process 2" || !got[0].First.Equal(now) || got[0].ID == "" {
			t.Errorf("%+v", got)
		}
		d.fails(errTest)
		at := time.Now()
		if err := alarm.Leave(d.o.File, alarm.Note{ID: "test.1", Kind: alarm.Test, Text: "a test", Count: 1, First: at, Last: at}); err != nil {
			t.Fatal(err)
		}
		settle(2 * time.Second)
		r := report(t, d.o.File)
		if r.Tested == nil || r.Tested.ID != "test.1" || len(r.Tested.Results) != 1 || r.Tested.Results[0].Error != errTest.Error() || r.Pending != 0 {
			t.Errorf("%+v", r)
		}
		desk.Close(time.Second)
		left, err := os.ReadDir(filepath.Dir(d.o.File))
		if err != nil || len(left) != 1 {
			t.Errorf("%v are left, %v", left, err)
		}
	})
}
