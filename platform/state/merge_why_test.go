package state_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// If the previous run was cut off, the manager knows how. If it recorded its own end, or if
// the manager reports another end, the manager does not.
func TestIssue10_4_ManagerKnowsHowTheRunBeforeWasCutOff(t *testing.T) {
	watchdog := &platform.Exit{Code: -1, Reason: "watchdog"}
	for name, tt := range map[string]struct {
		own, want *platform.Exit
		ended     time.Duration // before now; it was started a minute ago
	}{
		"cut off":             {cut, watchdog, 62 * time.Second},
		"its own words":       {failed, failed, 62 * time.Second},
		"by a signal":         {killed, killed, 62 * time.Second},
		"none":                {nil, nil, 62 * time.Second},
		"it ended afterwards": {cut, cut, 10 * time.Second},
	} {
		f := wrote(us, ready, time.Second)
		f.StartedAt, f.LastExit = ago(time.Minute), tt.own
		got := state.Merge(state.Sources{Now: now, Lock: held(us, time.Minute), File: f, Watched: us, Manager: ended(says(ready, us.PID, time.Second), watchdog, tt.ended)})
		if got.LastExit != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got.LastExit, tt.want)
		}
	}
}

// The number of restarts becomes 0 when the service has been ready for the policy's window.
func TestIssue10_4_RestartsGoDown(t *testing.T) {
	for since, want := range map[time.Duration]int{30 * time.Second: 2, 2 * time.Minute: 0} {
		f := wrote(us, ready, time.Second)
		f.ReadyAt = ago(since)
		for window, want := range map[time.Duration]int{time.Minute: want, 0: 2} {
			if got := state.Merge(state.Sources{Now: now, Lock: held(us, time.Hour), File: f, Window: window}); got.Restarts != want {
				t.Errorf("ready for %v, window %v: %d restarts, want %d", since, window, got.Restarts, want)
			}
		}
	}
}

// The program records the signal, and systemd knows that the watchdog sent it. On a fast
// machine the watchdog's message was no longer among the last ones in the log, and status did
// not show it.
func TestTheWatchdogsSignalIsNamed(t *testing.T) {
	own := &platform.Exit{Code: 2, Signal: "SIGABRT", Reason: "killed by SIGABRT"}
	for name, tt := range map[string]struct {
		own    *platform.Exit
		reason string
		ended  time.Duration // before now; it was started a minute ago
		want   string
	}{
		"the watchdog's":              {own, "watchdog", time.Second, "watchdog"},
		"somebody else's":             {own, "exit-code", time.Second, "killed by SIGABRT"},
		"the watchdog's of an older":  {own, "watchdog", time.Hour, "killed by SIGABRT"},
		"an end without any signal":   {failed, "watchdog", time.Second, failed.Reason},
		"systemd does not know of it": {own, "", time.Second, "killed by SIGABRT"},
	} {
		last := state.LastRun{Started: ago(time.Minute), Exit: tt.own}
		there := &platform.Exit{Code: tt.own.Code, Reason: tt.reason}
		got := state.Merge(state.Sources{Now: now, Lock: free, Last: last, Manager: ended(says(broken, 0, time.Second), there, tt.ended)})
		if got.LastExit == nil || got.LastExit.Reason != tt.want || got.LastExit.Signal != tt.own.Signal {
			t.Errorf("%s: %+v, want %q", name, got.LastExit, tt.want)
		}
	}
	if own.Reason != "killed by SIGABRT" {
		t.Errorf("the record's own is changed: %+v", own)
	}
}
