package scm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

func pending(s scm.State, checkpoint uint32, hint time.Duration) scm.Status {
	return scm.Status{State: s, CheckPoint: checkpoint, WaitHint: uint32(hint.Milliseconds())}
}

var up = scm.Status{State: scm.Running, Accepts: 0x10d}

func TestStart(t *testing.T) {
	for name, tt := range map[string]struct {
		process func(*fake, *entry)
		refused uint32 // code with which the SCM refuses
		is      error
		says    string // text in the error; empty: the start succeeds
		took    time.Duration
	}{
		"at once": {},
		"in a minute, with progress": {process: func(f *fake, e *entry) {
			for i := range uint32(6) {
				f.set(10*time.Second, e, pending(scm.StartPending, i+2, 15*time.Second))
			}
			f.set(10*time.Second, e, up)
		}, took: 70 * time.Second},
		"in a minute, by a long hint": {process: func(f *fake, e *entry) {
			f.set(0, e, pending(scm.StartPending, 2, 2*time.Minute))
			f.set(time.Minute, e, up)
		}, took: time.Minute},
		"without progress": {process: func(f *fake, e *entry) {
			f.set(0, e, pending(scm.StartPending, 2, time.Minute))
		}, is: platform.ErrTimeout, says: "START_PENDING without progress for 1m5s", took: 65 * time.Second},
		"fails": {process: func(f *fake, e *entry) {
			f.set(time.Second, e, pending(scm.StopPending, 1, time.Minute))
			f.set(time.Second, e, scm.Status{State: scm.Stopped, Win32Exit: 1066, ServiceExit: 70})
		}, says: "exit code 70: it panicked)", took: 2 * time.Second},
		"fails for good": {process: func(f *fake, e *entry) {
			f.set(time.Second, e, scm.Status{State: scm.Stopped, ServiceExit: 78})
		}, says: "exit code 78: its configuration cannot be used; the SCM does not try again", took: time.Second},
		"ends at once": {process: func(f *fake, e *entry) {
			f.set(time.Second, e, scm.Status{State: scm.Stopped})
		}, says: "exit code 0", took: time.Second},
		"is killed": {process: func(f *fake, e *entry) {
			f.set(time.Second, e, scm.Status{State: scm.Stopped, Win32Exit: 1067})
		}, says: "killed or crashed", took: time.Second},
		"is killed, which the SCM does not see": {process: func(f *fake, e *entry) {
			time.Sleep(time.Second)
			f.mu.Lock()
			f.alive[e.s.PID] = false
			f.mu.Unlock()
		}, says: "killed or crashed", took: time.Second},
		"an error of Windows": {process: func(f *fake, e *entry) {
			f.set(0, e, scm.Status{State: scm.Stopped, Win32Exit: 5})
		}, says: "error 5 of Windows: its account may not execute"},
		"not permitted":                      {refused: 5, is: platform.ErrPermission, says: "administrator"},
		"disabled":                           {refused: 1058, is: platform.ErrPermission, says: "sc config feedd"},
		"without its program":                {refused: 2, is: platform.ErrBadUnit, says: "install it again"},
		"no report":                          {refused: 1053, is: platform.ErrTimeout, says: "by hand"},
		"no logon":                           {refused: 1069, is: platform.ErrPermission, says: "account"},
		"dependency":                         {refused: 1068, is: platform.ErrNotRunning, says: "needs"},
		"marked for deletion":                {refused: 1072, is: platform.ErrTimeout, says: "services.msc"},
		"locked for good":                    {refused: 1055, is: platform.ErrTimeout, says: "locked", took: 5 * time.Minute},
		"something that we have no word for": {refused: 4711, says: "4711"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				e := f.has(unit("feedd"))
				e.onStart = tt.process
				if tt.refused != 0 {
					f.fail["Start"] = tt.refused
				}
				begun := time.Now()
				err := f.manager().Start(t.Context(), feedd)
				switch {
				case tt.says == "" && err != nil:
					t.Error(err)
				case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `start "feedd"`)):
					t.Errorf("got %v", err)
				case tt.is != nil && !errors.Is(err, tt.is):
					t.Errorf("%v is not %v", err, tt.is)
				}
				if took := time.Since(begun); took < tt.took || took > tt.took+time.Second {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// Wine starts one service at a time. Who wants to start another one is refused for as long as
// that takes, which on a busy machine is minutes.
func TestStartWaitsForTheStartOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.has(unit("feedd"))
		f.fail["Start"] = 1055
		const busy = 4 * time.Minute
		time.AfterFunc(busy, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.fail, "Start")
		})
		begun := time.Now()
		if err := f.manager().Start(t.Context(), feedd); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < busy || took > busy+time.Second {
			t.Errorf("took %v, want %v", took, busy)
		}
	})
}

func TestStartWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		m := f.manager()
		for range 2 {
			if err := m.Start(t.Context(), feedd); err != nil {
				t.Fatal(err)
			}
		}
		// One that is stopping is waited for, with its process.
		e.onStop = func(f *fake, e *entry) { f.set(10*time.Second, e, scm.Status{State: scm.Stopped}) }
		first := e.s.PID
		if err := f.Control("feedd", scm.ControlStop); err != nil {
			t.Fatal(err)
		}
		if err := m.Start(t.Context(), feedd); err != nil || e.s.State != scm.Running || e.s.PID == first {
			t.Errorf("%v, %+v", err, e.s)
		}
	})
}

func TestStop(t *testing.T) {
	for name, tt := range map[string]struct {
		process func(*fake, *entry)
		refused uint32
		is      error
		says    string
		took    time.Duration
	}{
		"at once": {},
		"in steps": {process: func(f *fake, e *entry) {
			for i := range uint32(4) {
				f.set(20*time.Second, e, pending(scm.StopPending, i+2, 30*time.Second))
			}
			f.set(time.Second, e, scm.Status{State: scm.Stopped, ServiceExit: 1})
		}, took: 81 * time.Second},
		"hangs": {process: func(*fake, *entry) {}, is: platform.ErrTimeout, says: "it still stops: STOP_PENDING without progress", took: 35 * time.Second},
		// The SCM hears STOPPED before the process is gone.
		"gone later": {process: func(f *fake, e *entry) {
			time.Sleep(time.Second)
			f.mu.Lock()
			pid := e.s.PID
			e.s = scm.Status{State: scm.Stopped}
			f.mu.Unlock()
			time.Sleep(3 * time.Second)
			f.mu.Lock()
			f.alive[pid] = false
			f.mu.Unlock()
		}, took: 4 * time.Second},
		"never gone": {process: func(f *fake, e *entry) {
			f.mu.Lock()
			e.s = scm.Status{State: scm.Stopped}
			f.mu.Unlock()
		}, is: platform.ErrTimeout, says: "its process still runs", took: 10 * time.Second},
		"started again in the meantime": {process: func(f *fake, e *entry) {
			f.set(0, e, up)
		}, says: "started again"},
		"others need it": {refused: 1051, says: "stop them first: web, mail"},
		"not permitted":  {refused: 5, is: platform.ErrPermission, says: "administrator"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				e := f.has(unit("feedd"))
				m := f.manager()
				if err := m.Start(t.Context(), feedd); err != nil {
					t.Fatal(err)
				}
				e.onStop = tt.process
				if tt.refused != 0 {
					f.fail["Control STOP"] = tt.refused
				}
				begun := time.Now()
				err := m.Stop(t.Context(), feedd)
				switch {
				case tt.says == "" && err != nil:
					t.Error(err)
				case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
					t.Errorf("got %v", err)
				case tt.is != nil && !errors.Is(err, tt.is):
					t.Errorf("%v is not %v", err, tt.is)
				}
				if took := time.Since(begun); took < tt.took || took > tt.took+time.Second {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if tt.says == "" {
					if err := m.Stop(t.Context(), feedd); err != nil {
						t.Errorf("again: %v", err)
					}
				}
			})
		})
	}
}

// A service that is starting accepts no control, so the stop comes when it is ready.
func TestStopWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		e.onStart = func(f *fake, e *entry) { f.set(10*time.Second, e, up) }
		if err := f.Start("feedd"); err != nil {
			t.Fatal(err)
		}
		if err := f.manager().Stop(t.Context(), feedd); err != nil || e.s.State != scm.Stopped {
			t.Errorf("%v, %+v", err, e.s)
		}
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		m := f.manager()
		pid := 0
		for range 3 {
			if err := m.Restart(t.Context(), feedd); err != nil || e.s.State != scm.Running || e.s.PID == pid {
				t.Fatalf("%v, %+v", err, e.s)
			}
			pid = e.s.PID
		}
		if f.alive[pid-1] {
			t.Error("the old process is still there")
		}
	})
}

func TestReload(t *testing.T) {
	for name, tt := range map[string]struct {
		writes  string // what its process writes to its state file after a second; empty: nothing
		other   bool   // another process writes it
		dies    bool
		refused uint32
		is      error
		says    string
		took    time.Duration
	}{
		"succeeds":             {writes: `"reloads":{"last_start_ns":3601000000000}`, took: time.Second},
		"is refused":           {writes: `"reloads":{"last_start_ns":3601000000000,"last_error":"port 0 is no port"}`, is: platform.ErrRejected, says: "port 0 is no port", took: time.Second},
		"began before":         {writes: `"reloads":{"last_start_ns":3599000000000,"last_error":"old"}`, is: platform.ErrTimeout, says: "no outcome", took: 70 * time.Second},
		"nothing comes":        {is: platform.ErrTimeout, says: "no outcome", took: 70 * time.Second},
		"another process's":    {writes: `"reloads":{"last_start_ns":3601000000000}`, other: true, is: platform.ErrTimeout, took: 70 * time.Second},
		"it dies":              {dies: true, says: "it ended before it reloaded", took: time.Second},
		"not permitted":        {refused: 5, is: platform.ErrPermission, says: "administrator"},
		"does not accept that": {refused: 1061, is: platform.ErrTimeout, says: "accepts no controls"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				e := f.has(unit("feedd"))
				m := f.manager()
				if err := m.Start(t.Context(), feedd); err != nil {
					t.Fatal(err)
				}
				if tt.refused != 0 {
					f.fail["Control PARAMCHANGE"] = tt.refused
				}
				go func() {
					time.Sleep(time.Second)
					switch {
					case tt.dies:
						f.set(0, e, scm.Status{State: scm.Stopped, Win32Exit: 1067})
					case tt.other:
						e := *e
						e.s.PID++
						f.wrote(&e, tt.writes)
					case tt.writes != "":
						f.wrote(e, tt.writes)
					}
				}()
				begun := time.Now()
				err := m.Reload(t.Context(), feedd)
				if tt.says == "" && tt.is == nil && err != nil {
					t.Error(err)
				}
				if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begun); took < tt.took || took > tt.took+time.Second {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				time.Sleep(2 * time.Second) // the process has ended
				if tt.refused == 0 && !f.did("Control PARAMCHANGE feedd") {
					t.Errorf("it was not told: %q", f.calls)
				}
			})
		})
	}
}

// Incident 5: a reload immediately after a start waits until the service is ready.
func TestReloadWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		e.onStart = func(f *fake, e *entry) {
			f.set(10*time.Second, e, up)
			time.Sleep(time.Second)
			f.wrote(e, `"reloads":{"last_start_ns":3610500000000}`)
		}
		m := f.manager()
		if err := f.Start("feedd"); err != nil {
			t.Fatal(err)
		}
		if err := m.Reload(t.Context(), feedd); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingToControl(t *testing.T) {
	f := newFake()
	m := f.manager()
	for name, do := range map[string]func(context.Context, platform.ID) error{
		"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload,
	} {
		if err := do(t.Context(), feedd); !errors.Is(err, platform.ErrNotInstalled) || !strings.HasPrefix(err.Error(), name+` "feedd": `) {
			t.Errorf("%s: %v", name, err)
		}
		if err := do(t.Context(), platform.ID{Name: "feedd", Scope: platform.ScopeUser}); !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("%s of a user's: %v", name, err)
		}
	}
	f.has(unit("feedd"))
	if err := m.Reload(t.Context(), feedd); !errors.Is(err, platform.ErrNotRunning) {
		t.Errorf("reload of what is stopped: %v", err)
	}
}

func TestTheCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		e.onStart = func(*fake, *entry) {}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, platform.ErrTimeout)
		defer cancel()
		begun := time.Now()
		if err := f.manager().Start(ctx, feedd); !errors.Is(err, platform.ErrTimeout) || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
