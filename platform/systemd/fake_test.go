package systemd_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/systemd"
)

// machine is a platform.System that answers from a script and notes what it was asked.
type machine struct {
	files   map[string]string
	answers map[string]answer // by the command line
	ran     []string
}

type answer struct {
	out  string
	code int
}

func (m *machine) ReadFile(path string) ([]byte, error) {
	content, ok := m.files[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

func (m *machine) WriteFile(string, []byte, fs.FileMode) error { panic("a manager writes nothing") }
func (m *machine) Remove(string) error                         { panic("a manager removes nothing") }
func (m *machine) RemoveAll(string) error                      { panic("a manager removes nothing") }

func (m *machine) Stat(path string) (fs.FileInfo, error) {
	if _, ok := m.files[path]; !ok {
		return nil, fs.ErrNotExist
	}
	return nil, nil //nolint:nilnil // nobody looks at it
}

func (m *machine) Run(ctx context.Context, argv ...string) (string, error) {
	line := strings.Join(argv, " ")
	m.ran = append(m.ran, line)
	a, ok := m.answers[line]
	switch {
	case ctx.Err() != nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: ctx.Err()}
	case !ok:
		return "", &platform.CommandError{Argv: argv, Code: 127, Stderr: "no such answer"}
	case a.code != 0:
		return a.out, &platform.CommandError{Argv: argv, Code: a.code, Stderr: "it failed"}
	}
	return a.out, nil
}

// did tells whether that command was run.
func (m *machine) did(line string) bool { return slices.Contains(m.ran, line) }

const (
	properties = "LoadState,ActiveState,SubState,UnitFileState,FragmentPath,MainPID,NRestarts,Result,ReloadResult,CanReload," +
		"ExecMainCode,ExecMainStatus,StatusText,ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,StateChangeTimestamp"
	ctl  = "systemctl --no-pager --no-ask-password "
	show = ctl + "show --timestamp=unix --property=" + properties + " "
)

// recorded is what `systemctl show` of a real systemd said in that state.
func recorded(tb testing.TB, version, state string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "show", version, state+".txt"))
	if err != nil {
		tb.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// inState is a machine of that systemd whose feedd.service is in that state.
func inState(tb testing.TB, version, state string) *machine {
	tb.Helper()
	return &machine{
		files: map[string]string{},
		answers: map[string]answer{
			show + "feedd.service": {out: recorded(tb, version, state)},
			"systemctl --version":  {out: "systemd " + version + " (" + version + ".1-1)\n+PAM +AUDIT\n"},
		},
	}
}

// onBoth runs a test for the recordings of each systemd.
func onBoth(t *testing.T, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range []string{"257", "252"} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

var feeddID = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}

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
		"masked":   {Manager: "systemd", Installed: true, Phase: platform.PhaseStopped},
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
				if state == "masked" || state == "bad" || state == "absent" {
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
				got.Since, got.PID, got.LastExit, want.LastExit = time.Time{}, 0, nil, nil
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

// States that need luck to be seen, and what no systemd has said so far.
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

// An older systemctl does not know --timestamp: everything but the time is there.
func TestStatusOldSystemctl(t *testing.T) {
	sys := &machine{answers: map[string]answer{
		ctl + "show --property=" + properties + " feedd.service": {
			out: "LoadState=loaded\nFragmentPath=/x\nActiveState=active\nMainPID=7\nActiveEnterTimestamp=Sat 2026-11-21 12:30:36 UTC\n",
		},
	}}
	got, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
	if err != nil || got.PID != 7 || got.Phase != platform.PhaseReady || !got.Since.IsZero() {
		t.Errorf("status %+v, %v", got, err)
	}
}
