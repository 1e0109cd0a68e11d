package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// said has the parts of `status --json` that tests compare.
type said struct {
	Phase                     platform.Phase
	Ready, Installed, Enabled bool
	PID, Restarts             int
	StartedBy                 string         `json:"started_by"`
	LastExit                  *platform.Exit `json:"last_exit"`
	StatusText                string         `json:"status_text"`
	Uptime                    float64        `json:"uptime_s"`
	Notes                     []string
}

func TestStatus(t *testing.T) {
	pidFile := func(p *place) { p.put(p.cfg.RuntimeDir+"/feedd.pid", "60\n") }
	for name, tt := range map[string]struct {
		so    []func(*place)
		code  int
		phase platform.Phase
		pid   int
		note  string // the only one; empty: none
		text  string // what a person reads
	}{
		"never seen":        {nil, 3, "stopped", 0, "", "feedd is stopped"},
		"a bad file":        {[]func(*place){badFile}, 3, "stopped", 0, "the next start will fail: ", "config  FILE\n"},
		"no TOML":           {[]func(*place){func(p *place) { p.file("[wrap\n") }}, 3, "stopped", 0, "the next start will fail: ", "config  FILE\n"},
		"not installed":     {[]func(*place){func(p *place) { p.m.st = platform.Status{Phase: platform.PhaseStopped} }}, 3, "stopped", 0, "", "not installed"},
		"without a manager": {[]func(*place){unmanaged}, 3, "stopped", 0, "", "feedd is stopped"},
		"ready": {
			[]func(*place){running, func(p *place) { p.writes(feedd, platform.PhaseReady, nil) }},
			0, "ready", 70, "",
			"feedd is ready since " + noon.Add(-50*time.Second).Local().Format(time.DateTime) + " (50s ago)",
		},
		"by hand": {
			[]func(*place){byHand, func(p *place) { p.writes(other, platform.PhaseReady, nil) }},
			0, "ready", 60,
			"it was not started by fake, which has the service installed", "by hand",
		},
		"dead, its PID file is left": {[]func(*place){pidFile}, 1, "stopped", 0, "it is dead (RUN/feedd.pid is left and names 60, now another process: /usr/sbin/feedd, left alone)", "stopped"},
		"dead, its state is left":    {[]func(*place){func(p *place) { p.writes(other, platform.PhaseReady, nil) }}, 2, "stopped", 0, "", "stopped"},
		"cut off":                    {[]func(*place){func(p *place) { p.ended(nil) }}, 3, "failed", 0, "", "killed or crashed"},
		"ended well":                 {[]func(*place){func(p *place) { p.ended(&platform.Exit{Clean: true, Reason: "asked to stop"}) }}, 3, "stopped", 0, "", "clean: asked to stop"},
		"crashes in a loop": {[]func(*place){func(p *place) {
			p.ended(nil)
			p.m.st.Phase, p.m.st.LastExit = platform.PhaseStarting, killed
		}}, 3, "failed", 0, "fake is about to restart it", "feedd is failed"},
		"its supervisor waits": {[]func(*place){func(p *place) {
			p.ended(nil)
			p.held["feedd.supervisor"] = singleton.Holder{Identity: feedd, UID: os.Geteuid(), Since: noon}
		}}, 3, "failed", 0, "its supervisor is about to restart it (pid 70, ", "failed"},
		"a full disk when it became ready": {[]func(*place){running, func(p *place) { // H
			p.m.st.Since = noon.Add(-20 * time.Second)
			p.writes(feedd, platform.PhaseStarting, nil)
		}}, 0, "ready", 70, "its state file was last written at", "feedd is ready since"},
		"its files are gone, the manager knows": {[]func(*place){running, unnamed}, 0, "ready", 70, "", "feedd is ready"}, // G
		"its files are gone, nobody knows":      {[]func(*place){unnamed}, 4, "unknown", 0, "it runs, but its process cannot be identified", "feedd is unknown"},
		"its state file is gone":                {[]func(*place){byHand, unmanaged}, 4, "unknown", 60, "state file: ", "feedd is not known since"},
		"a state file of another":               {[]func(*place){byHand, unmanaged, func(p *place) { p.writes(feedd, platform.PhaseReady, nil) }}, 4, "unknown", 60, "its state file was written by another process", "not known since"},
		"not for us to see":                     {[]func(*place){func(p *place) { p.lock = singleton.ErrDenied }}, 4, "unknown", 0, "not permitted", "feedd is unknown"},
		"not for us to see, the manager knows":  {[]func(*place){running, func(p *place) { p.lock = singleton.ErrDenied }}, 0, "ready", 70, "not permitted", "feedd is ready"},
		"the manager is broken":                 {[]func(*place){func(p *place) { p.m.broken = errors.New("no bus") }}, 3, "stopped", 0, "no bus", "feedd is stopped"},
		"a manager that watches nothing":        {[]func(*place){watchless, func(p *place) { p.runs(feedd, "fake"); p.writes(feedd, platform.PhaseReady, nil) }}, 0, "ready", 70, "", "installed, not enabled"},
		"by hand, watched by nobody": {
			[]func(*place){watchless, byHand, func(p *place) { p.writes(other, platform.PhaseReady, nil) }},
			0, "ready", 60,
			"it was not started by fake, which has the service installed", "ready",
		},
		"a damaged record": {[]func(*place){func(p *place) { p.put(p.cfg.StateDir+"/feedd.lastrun.json", "{") }}, 3, "stopped", 0, "damaged", "stopped"},
		"a bad configuration file": {
			[]func(*place){func(p *place) { p.cfg.File = p.dir + "/bad.toml"; p.put(p.cfg.File, "[service]\ncolour_of_it = 1\n") }},
			3, "stopped", 0,
			"the next start will fail: ", "colour_of_it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, so := range tt.so {
				so(p)
			}
			code, err := p.run("status", "--json")
			var s said
			if e := json.Unmarshal(p.out.Bytes(), &s); e != nil || code != tt.code {
				t.Fatalf("%v, exit code %d, want %d: %v\n%s", e, code, tt.code, err, p.out.String())
			}
			if s.Phase != tt.phase || s.PID != tt.pid || s.Ready != (tt.phase == "ready") {
				t.Errorf("it is %+v", s)
			}
			notes := filepath.ToSlash(strings.ReplaceAll(strings.Join(s.Notes, "\n"), p.cfg.RuntimeDir, "RUN"))
			if (tt.note == "") != (notes == "") || !strings.HasPrefix(notes, tt.note) && !strings.Contains(notes, tt.note) {
				t.Errorf("the notes are %q, want %q", notes, tt.note)
			}
			if p.did != nil {
				t.Errorf("it did %q", p.did)
			}
			code, _ = p.run("status")
			if text := p.out.String(); code != tt.code || !strings.Contains(text, strings.ReplaceAll(tt.text, "FILE", filepath.FromSlash(p.cfg.File))) {
				t.Errorf("exit code %d, does not say %q:\n%s", code, tt.text, text)
			}
		})
	}
}

// With --ready the exit code is 0 only for a service that serves: for the probe of a container.
func TestStatusReady(t *testing.T) {
	writes := func(phase platform.Phase, checks ...state.Health) []func(*place) {
		return []func(*place){byHand, unmanaged, func(p *place) {
			p.writes(other, phase, func(s *state.State) { s.Health = checks })
		}}
	}
	good, bad := state.Health{Name: "a", OK: true}, state.Health{Name: "b", Error: "gone"}
	for name, tt := range map[string]struct {
		so   []func(*place)
		code int
	}{
		"never seen": {nil, 3},
		"starting":   {writes(platform.PhaseStarting), 1},
		"ready":      {writes(platform.PhaseReady, good), 0},
		"reloading":  {writes(platform.PhaseReloading), 0},
		"unhealthy":  {writes(platform.PhaseReady, good, bad), 1},
		"stopping":   {writes(platform.PhaseStopping), 1},
	} {
		p := newPlace(t)
		for _, so := range tt.so {
			so(p)
		}
		if code, err := p.run("status", "--ready"); code != tt.code {
			t.Errorf("%s: exit code %d, want %d: %v\n%s", name, code, tt.code, err, p.out.String())
		}
	}
}

// The keys of `status --json` and their meanings are stable.
func TestStatusKeys(t *testing.T) {
	p := newPlace(t)
	running(p)
	p.m.st.Enabled, p.m.st.Restarts = true, 3
	p.writes(feedd, platform.PhaseReady, func(s *state.State) {
		s.ReadyAt, s.Version, s.ConfigFile, s.StatusText = noon.Add(-50*time.Second), "1.2", "/etc/feedd.toml", "7 feeds"
		s.LastExit = killed
		s.Reloads = state.Reloads{Requested: 2, Completed: 2, Failed: 1, LastError: "bad port", LastEnd: noon.Add(-5 * time.Second)}
	})
	if code, err := p.run("status", "--json"); code != 0 {
		t.Fatal(err)
	}
	all := p.json()
	want := []string{
		"config_file", "definition", "enabled", "exe", "installed", "last_exit", "last_run", "manager", "name", "phase", "phase_since", "pid", "ready", "ready_at", "reloads",
		"resources", "restarts", "runtime_dir", "scope", "started_at", "started_by", "state_dir", "status_text", "uptime_s", "user", "version",
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("the keys are %q, want %q", got, want)
	}
	if all["uptime_s"] != 60.0 || all["restarts"] != 3.0 || all["started_by"] != "fake" || all["version"] != "1.2" || all["exe"] != "/usr/sbin/feedd" {
		t.Errorf("%v", all)
	}
	p.wants("status", 0, "")
	for _, line := range []string{"1.2 is ready", "ready  2", "after 10s", "fake (user): installed, starts at boot", "says  7 feeds", "2 (1 failed)", "refused: bad port", "not clean: killed by SIGKILL", "restarts  3"} {
		if !strings.Contains(p.out.String(), line) {
			t.Errorf("it does not say %q:\n%s", line, p.out.String())
		}
	}
}

func TestStatusOfAStop(t *testing.T) {
	p := newPlace(t)
	running(p)
	p.writes(feedd, platform.PhaseStopping, func(s *state.State) {
		s.Stop = &state.StopProgress{Reason: "asked to stop by SIGTERM", Steps: []state.StopStep{{Name: "program", Took: 1500 * time.Millisecond, Error: "overran"}}}
	})
	p.wants("status", 0, "asked to stop by SIGTERM; 1 steps done")
	p.wants("status", 0, "program, 1.5s: overran")
}

// The configuration may be readable only for another user. That says nothing about the next
// start.
func TestStatusForAnotherUser(t *testing.T) {
	if os.Geteuid() <= 0 { // -1 on Windows, where a mode keeps nobody out
		t.Skip("root may read everything")
	}
	p := newPlace(t)
	p.cfg.File = p.dir + "/secret.toml"
	p.put(p.cfg.File, "")
	if err := os.Chmod(p.cfg.File, 0); err != nil {
		t.Fatal(err)
	}
	p.wants("status", 3, "not for us to read")
}

func TestStatusIsShownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		if err := p.runOn(ctx, p.machine(), "status", "--watch"); err != nil {
			t.Error(err)
		}
		if got := strings.Count(p.out.String(), "feedd is stopped"); got != 3 {
			t.Errorf("shown %d times", got)
		}
	})
}

// Anything but a regular file in the service's own directory is reported, and not read (fault
// C).
func TestPlantedFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("package files proves it there for reparse points")
	}
	for _, name := range []string{"run/feedd.state.json", "state/feedd.lastrun.json"} {
		p := newPlace(t)
		byHand(p)
		secret := filepath.Join(p.dir, "secret")
		p.put(secret, `{"name":"secret","started":"2026-01-01T00:00:00Z","exit":{"reason":"secret"}}`)
		if err := os.Symlink(secret, filepath.Join(p.dir, name)); errors.Is(err, fs.ErrPermission) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		_, err := p.run("status")
		if all := fmt.Sprint(p.out.String(), p.errs.String(), err); strings.Contains(strings.ReplaceAll(all, secret, ""), "secret") || !strings.Contains(all, "symbolic link") {
			t.Errorf("%s: %s", name, all)
		}
	}
}

// Issue 10: what the health checks said, and since when, for people and as JSON.
func TestIssue10_StatusShowsHealth(t *testing.T) {
	p := newPlace(t)
	running(p)
	p.writes(feedd, platform.PhaseReady, func(s *state.State) {
		s.Health = []state.Health{
			{Name: "database", Since: noon.Add(-20 * time.Second), Error: "gone"},
			{Name: "peer", OK: true, Since: noon.Add(-40 * time.Second)},
		}
	})
	p.wants("status", 0, "health  database: failed since "+noon.Add(-20*time.Second).Local().Format(time.DateTime)+" (20s ago): gone\n              peer: ok since ")
	p.wants("status --json", 0, `"name": "database",`)
	var got struct{ Health []state.Health }
	if err := json.Unmarshal(p.out.Bytes(), &got); err != nil || len(got.Health) != 2 || got.Health[0].OK || !got.Health[1].OK {
		t.Errorf("%+v, %v", got, err)
	}
}

// The child of init has no supervisor, and nobody searches the machine for one whose files were removed. In a container the
// supervisor may be the init.
func TestStatusSearchesNoSupervisorOfAChildOfInit(t *testing.T) {
	for name, tt := range map[string]struct {
		parent int
		file   bool
		want   bool
	}{"child of init": {1, false, false}, "child of another": {30, false, true}, "child of an init with its file": {1, true, true}} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			p.parent = tt.parent
			if tt.file {
				if err := os.WriteFile(filepath.Join(p.cfg.StateDir, "feedd.supervisor.mutex"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p.wants("status", 0, "")
			if got := slices.Contains(p.probed, "feedd.supervisor"); got != tt.want {
				t.Errorf("probed: %v", p.probed)
			}
		})
	}
}

// Neither has a service that does not run and whose last parent was init, or has ended.
func TestStatusSearchesNoSupervisorOfAnEndedRun(t *testing.T) {
	for name, tt := range map[string]struct {
		parent int
		boot   string
		file   bool
		want   bool
	}{
		"child of init": {parent: 1}, "its parent has ended": {parent: 61}, "its parent lives": {parent: feedd.PID, want: true},
		"not known": {want: true}, "of another boot": {parent: 1, boot: "earlier", want: true}, "child of an init with its file": {parent: 1, file: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put(filepath.Join(p.cfg.StateDir, "feedd.lastrun.json"), recovery.LastRun{
				Process: proc.Identity{PID: 9, Start: 9, Boot: tt.boot}, Parent: tt.parent, Started: noon.Add(-time.Hour), Ended: noon, Exit: &platform.Exit{Clean: true},
			})
			if tt.file {
				p.put(filepath.Join(p.cfg.StateDir, "feedd.supervisor.mutex"), "")
			}
			p.wants("status", 3, "")
			if got := slices.Contains(p.probed, "feedd.supervisor"); got != tt.want {
				t.Errorf("probed: %v", p.probed)
			}
		})
	}
}
