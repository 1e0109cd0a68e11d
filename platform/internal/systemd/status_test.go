package systemd_test

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

func TestStatus(t *testing.T) {
	zero := platform.Status{Manager: "systemd", Installed: true, Enabled: true}
	with := func(change func(*platform.Status)) platform.Status {
		st := zero
		change(&st)
		return st
	}
	killed := &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}
	tests := map[string]platform.Status{
		"absent":   {Manager: "systemd", Phase: platform.PhaseStopped},
		"disabled": {Manager: "systemd", Installed: true, Phase: platform.PhaseStopped},
		"bad":      {Manager: "systemd", Installed: true, Phase: platform.PhaseStopped},
		"masked":   {Manager: "systemd", Phase: platform.PhaseStopped},
		"inactive": with(func(st *platform.Status) { st.Phase = platform.PhaseStopped }),
		"starting": with(func(st *platform.Status) { st.Phase = platform.PhaseStarting }),
		"active":   with(func(st *platform.Status) { st.Phase, st.Text = platform.PhaseReady, "up" }),
		"rejected": with(func(st *platform.Status) { st.Phase, st.Text = platform.PhaseReady, "reload 1: rejected" }),
		"reloading": with(func(st *platform.Status) {
			st.Phase, st.Text = platform.PhaseReloading, "reload 1: rejected"
		}),
		"stopping": with(func(st *platform.Status) { st.Phase, st.Text = platform.PhaseStopping, "reload 2: ok" }),
		"stopped": with(func(st *platform.Status) {
			st.Phase, st.LastExit = platform.PhaseStopped, &platform.Exit{Clean: true, Reason: "success"}
		}),
		"waiting-to-restart": with(func(st *platform.Status) { st.Phase, st.Text, st.LastExit = platform.PhaseStarting, "up", killed }),
		"stopped-after-kill": with(func(st *platform.Status) { st.Phase, st.LastExit = platform.PhaseStopped, killed }),
		"failed-78": with(func(st *platform.Status) {
			st.Phase, st.LastExit = platform.PhaseFailed, &platform.Exit{Code: 78, Reason: "exit-code"}
		}),
		"failed-timeout": with(func(st *platform.Status) {
			st.Phase, st.LastExit = platform.PhaseFailed, &platform.Exit{Code: -1, Signal: "SIGTERM", Reason: "timeout"}
		}),
	}
	onBoth(t, func(t *testing.T, version string) {
		for state, want := range tests {
			t.Run(state, func(t *testing.T) {
				sys := inState(t, version, state)
				id := feeddID
				if state == "masked" || state == "absent" {
					id.Name = state
					sys.answers[show+state+".service"] = sys.answers[show+"feedd.service"]
				}
				got, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				recordedSince := slices.Contains([]string{"starting", "active", "reloading", "stopping", "failed-78"}, state)
				if recordedSince && (got.Since.Before(time.Unix(1.79e9, 0)) || got.Since.After(time.Unix(1.80e9, 0))) {
					t.Errorf("since %v", got.Since)
				}
				lives := slices.Contains([]string{"starting", "active", "rejected", "reloading", "stopping"}, state)
				if lives != (got.PID > 1) {
					t.Errorf("PID %d", got.PID)
				}
				gotExit, wantExit := got.LastExit, want.LastExit
				if (got.Definition == nil) != (state == "absent") {
					t.Errorf("definition %+v", got.Definition)
				}
				if (got.Next != nil) != (state == "waiting-to-restart") {
					t.Errorf("next try %+v", got.Next)
				}
				got.Since, got.PID, got.LastExit, want.LastExit, got.Definition, got.Next = time.Time{}, 0, nil, nil, nil, nil
				if got != want {
					t.Errorf("status %+v, want %+v", got, want)
				}
				if (gotExit == nil) != (wantExit == nil) || gotExit != nil && *gotExit != *wantExit {
					t.Errorf("last exit %+v, want %+v", gotExit, wantExit)
				}
			})
		}
	})
}

// States that are hard to record, and values that no systemd has printed so far.
func TestStatusOtherStates(t *testing.T) {
	for state, want := range map[string]platform.Phase{
		"maintenance": platform.PhaseStopped,
		"refreshing":  platform.PhaseReloading,
		"":            platform.PhaseUnknown,
		"dreaming":    platform.PhaseUnknown,
	} {
		sys := &machine{answers: map[string]answer{show + "feedd.service": {out: "LoadState=loaded\nMainPID=x\nActiveState=" + state + "\nExecMainCode=3\nExecMainStatus=77\n"}}}
		got, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || got.Phase != want || got.PID != 0 || got.LastExit.Signal != "signal 77" {
			t.Errorf("%q: status %+v, %v, want phase %s", state, got, err, want)
		}
	}
}

// An older systemctl does not have --timestamp. Everything but the times is there.
func TestStatusOldSystemctl(t *testing.T) {
	sys := &machine{answers: map[string]answer{
		show + "feedd.service": {code: 1, says: "systemctl: unrecognized option '--timestamp=unix'"},
		ctl + "show --property=" + properties + " feedd.service": {
			out: "LoadState=loaded\nFragmentPath=/x\nActiveState=active\nMainPID=7\nActiveEnterTimestamp=Sat 2026-11-21 12:30:36 UTC\n",
		},
	}}
	got, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
	if err != nil || got.PID != 7 || got.Phase != platform.PhaseReady || !got.Since.IsZero() {
		t.Errorf("status %+v, %v", got, err)
	}
}

// A systemd that does not answer is not queried again without --timestamp: an install queries
// each scope, and root has no user's systemd.
func TestIssue11_WhoDoesNotAnswerIsAskedOnce(t *testing.T) {
	for _, a := range []answer{{code: 1, says: "Failed to connect to user scope bus via local transport: No medium found"}, {code: 1}} {
		sys := &machine{answers: map[string]answer{show + "feedd.service": a}}
		if _, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID); err == nil || len(sys.ran) != 1 {
			t.Errorf("%v, asked %q", err, sys.ran)
		}
	}
}

func FuzzShow(f *testing.F) {
	f.Add("LoadState=loaded\nActiveState=active\n")
	f.Add("MainPID=-9223372036854775809\nActiveEnterTimestamp=@99999999999999999999\nExecMainCode=2\nExecMainStatus=-1\n")
	f.Fuzz(func(t *testing.T, out string) {
		sys := &machine{answers: map[string]answer{show + "feedd.service": {out: out}, "systemctl --version": {out: out}}}
		m := systemd.New(sys, systemd.Options{})
		st, err := m.Status(t.Context(), feeddID)
		if err != nil || st.Phase == "" {
			t.Errorf("status %+v, %v", st, err)
		}
		_, _ = m.Plan(t.Context(), feedd())
	})
}

// The error of a query does not list the properties, because `status` shows it as a note. If
// there is no user's manager, it says how to get one.
func TestStatusErrorIsShort(t *testing.T) {
	for scope, want := range map[platform.Scope]string{
		platform.ScopeSystem: "status \"feedd\": systemctl show feedd.service: exit code 127: no such answer",
		platform.ScopeUser: "status \"feedd\": systemctl --user show feedd.service: exit code 127: no such answer: " +
			"does this user's systemd run? Log in as the user, or as root: loginctl enable-linger USER",
	} {
		_, err := systemd.New(&machine{}, systemd.Options{}).Status(t.Context(), platform.ID{Name: "feedd", Scope: scope})
		if err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

// Where no systemd of the user can be reached, systemctl is not run to learn that.
func TestIssue16_WithoutAUsersSystemdNobodyIsAsked(t *testing.T) {
	sys := &machine{}
	m := systemd.New(sys, systemd.Options{Home: "/home/ann", NoBus: true})
	const want = "status \"feedd\": systemctl --user show feedd.service: neither $XDG_RUNTIME_DIR nor $DBUS_SESSION_BUS_ADDRESS is set: " +
		"does this user's systemd run? Log in as the user, or as root: loginctl enable-linger USER"
	if _, err := m.Status(t.Context(), platform.ID{Name: "feedd", Scope: platform.ScopeUser}); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if len(sys.ran) > 0 {
		t.Errorf("ran %q", sys.ran)
	}
	if _, err := m.Status(t.Context(), feeddID); err == nil || len(sys.ran) != 1 { // the machine's
		t.Errorf("ran %q: %v", sys.ran, err)
	}
}
