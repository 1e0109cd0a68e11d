package scm_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// lives simulates an SCM that manages a service which always ends with the same code,
// according to Microsoft's documentation (SERVICE_FAILURE_ACTIONS,
// SERVICE_FAILURE_ACTIONS_FLAG). It counts the starts, up to most.
func lives(r scm.Registration, code, most int, apart time.Duration) (starts int) {
	failures, last := 0, time.Duration(0)
	for now := time.Duration(0); starts < most; now += apart {
		starts++
		var end scm.Status
		h := scm.NewHost(func(s scm.Status) error { end = s; return nil })
		scm.Introduce(h, r)
		_ = h.Notify(platform.Notice{Phase: platform.PhaseReady})
		_ = h.Close(code)
		if end.Win32Exit == 0 || !r.Recovery.Codes || len(r.Recovery.Actions) == 0 {
			return starts
		}
		if failures > 0 && now-last >= time.Duration(r.Recovery.Reset)*time.Second {
			failures = 0
		}
		failures, last = failures+1, now
		action := r.Recovery.Actions[min(failures, len(r.Recovery.Actions))-1]
		if !action.Restart {
			return starts
		}
	}
	return starts
}

// Recovery actions do not distinguish exit codes. Nevertheless there is no restart after codes
// for which it would end in the same way.
func TestRestartsThatTheSCMMakes(t *testing.T) {
	const endless = 1000
	for _, tt := range []struct {
		policy platform.RestartPolicy
		max    int
		code   int
		apart  time.Duration // time between two ends
		starts int
	}{
		{platform.RestartOnFailure, 3, platform.ExitOK, time.Second, 1},
		{platform.RestartOnFailure, 3, platform.ExitFailed, time.Second, 4},
		{platform.RestartOnFailure, 3, platform.ExitCrashed, time.Second, 4},
		{platform.RestartOnFailure, 3, platform.ExitFailed, 6 * time.Minute, endless}, // not within the window
		{platform.RestartOnFailure, platform.NoLimit, platform.ExitFailed, time.Second, endless},
		{platform.RestartAlways, 3, platform.ExitOK, time.Second, 4},
		{platform.RestartAlways, platform.NoLimit, platform.ExitOK, time.Second, endless},
		{platform.RestartNever, platform.NoLimit, platform.ExitFailed, time.Second, 1},
		{platform.RestartOnFailure, platform.NoLimit, platform.ExitAlreadyRunning, time.Second, 1},
		{platform.RestartOnFailure, platform.NoLimit, platform.ExitNotPermitted, time.Second, 1},
		{platform.RestartAlways, platform.NoLimit, platform.ExitBadConfig, time.Second, 1},
		{platform.RestartOnAbnormal, 3, platform.ExitFailed, time.Second, 1},
		{platform.RestartOnAbnormal, 3, platform.ExitCrashed, time.Second, 4},
	} {
		u := unit("feedd")
		u.Restart = platform.Restart{Policy: tt.policy, Delay: time.Second, Max: tt.max, Window: 5 * time.Minute}
		r, err := scm.Render(u, dirs)
		if err != nil {
			t.Fatal(err)
		}
		if starts := lives(r, tt.code, endless, tt.apart); starts != tt.starts {
			t.Errorf("%s, at most %d, exit code %d every %v: %d starts, want %d", tt.policy, tt.max, tt.code, tt.apart, starts, tt.starts)
		}
	}
}
