package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A surveyor is a manager that reports all its services at once.
type surveyor struct {
	*manager
	unsettled map[string]platform.Phase
	fails     error
	dir       string
	asked     *int
}

func (s surveyor) Unsettled(context.Context, platform.Scope) (map[string]platform.Phase, error) {
	*s.asked++
	return s.unsettled, s.fails
}

func (s surveyor) Definitions(platform.Scope) (pattern, suffix string) {
	return filepath.Join(s.dir, "*.unit"), ".unit"
}

func (s surveyor) Made(content []byte) bool { return strings.HasPrefix(string(content), "# ours") }

// fleetPlace is a machine with several services.
func fleetPlace(t *testing.T) (*place, *surveyor) {
	t.Helper()
	p := newPlace(t)
	for _, v := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"} {
		t.Setenv(v, filepath.Join(p.dir, v))
	}
	if err := os.Mkdir(filepath.Join(p.dir, "units"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p, &surveyor{manager: p.m, dir: filepath.Join(p.dir, "units"), asked: new(int)}
}

// has installs a service, whose files are in a directory of its own.
func (p *place) has(name string) (dir string) {
	p.t.Helper()
	dir = filepath.Join(p.dir, "of", name)
	plain, instance, _ := strings.Cut(name, "@")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(filepath.Join(p.dir, "holdfast"), 0o755)); err != nil {
		p.t.Fatal(err)
	}
	p.put(filepath.Join(p.dir, "holdfast", name+".json"), state.Manifest{
		Format: 1, Name: plain, Instance: instance, Scope: platform.ScopeUser, Manager: "fake", Program: "/opt/" + plain,
		Told: map[string]string{"runtime-dir": dir, "state-dir": dir},
	})
	return dir
}

type fleetRow struct {
	Name      string         `json:"name"`
	Instance  string         `json:"instance"`
	Manager   string         `json:"manager"`
	Installed bool           `json:"installed"`
	Phase     platform.Phase `json:"phase"`
	PID       int            `json:"pid"`
	Version   string         `json:"version"`
	RSS       int64          `json:"rss_bytes"`
	Restarts  int            `json:"restarts"`
	LastExit  *platform.Exit `json:"last_exit"`
	Findings  []struct {
		ID string `json:"id"`
	} `json:"findings"`
	Notes []string `json:"notes"`
}

func (p *place) fleet(m cli.Machine, args ...string) (rows map[string]fleetRow, notes string) {
	p.t.Helper()
	if err := p.runOn(p.t.Context(), m, append([]string{"fleet", "status", "--json"}, args...)...); err != nil {
		p.t.Fatal(err)
	}
	var all struct {
		Services []fleetRow `json:"services"`
		Notes    []string   `json:"notes"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &all); err != nil {
		p.t.Fatalf("%v\n%s", err, p.out.String())
	}
	rows = map[string]fleetRow{}
	for _, s := range all.Services {
		rows[platform.ID{Name: s.Name, Instance: s.Instance}.String()] = s
	}
	return rows, strings.Join(all.Notes, "\n")
}

func (s *surveyor) machine() cli.Machine {
	m := s.p.machine()
	m.Manager = func(string) (platform.Manager, error) { return *s, nil }
	return m
}

func TestFleetStatus(t *testing.T) {
	p, s := fleetPlace(t)
	dir := p.has("runs")
	p.put(filepath.Join(dir, "runs.state.json"), state.State{
		Name: "runs", Version: "2.0", Process: feedd, Phase: platform.PhaseReady, PhaseSince: noon, StartedAt: noon, ReadyAt: noon, Restarts: 1,
		Health: []state.Health{{Name: "db", Error: "gone", Since: noon}},
	})
	p.has("stopped@a")
	dir = p.has("crashed")
	p.put(filepath.Join(dir, "crashed.lastrun.json"), recovery.LastRun{Process: other, Version: "1.0", Started: noon, Ended: noon, Exit: &platform.Exit{Code: 3, Reason: "no"}, Restarts: 2})
	p.has("again")
	s.unsettled = map[string]platform.Phase{"again": platform.PhaseStarting, "somebodys": platform.PhaseFailed}
	p.put(filepath.Join(p.dir, "holdfast", "damaged.json"), "no record")
	for name, text := range map[string]string{"defined.unit": "# ours\n", "somebodys.unit": "[Unit]\n", "runs.unit": "# ours\n", "a b.unit": "# ours\n"} {
		if err := os.WriteFile(filepath.Join(p.dir, "units", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d, err := native.DirsFor(platform.ScopeUser, "byhand"); err == nil && strings.HasPrefix(d.Runtime, p.dir) { // not on Windows
		if err := os.MkdirAll(d.Runtime, 0o755); err != nil {
			t.Fatal(err)
		}
		p.put(filepath.Join(d.Runtime, "byhand.state.json"), state.State{Name: "byhand", Process: other, Phase: platform.PhaseStarting, StartedAt: noon})
		p.put(filepath.Join(d.Runtime, "byhand.supervisor.state.json"), state.State{})
	}
	rows, notes := p.fleet(s.machine())
	if *s.asked != 1 || len(p.did) != 0 {
		t.Errorf("the manager was asked %d times, and reached was %q", *s.asked, p.did)
	}
	short := func(r fleetRow) string {
		end, findings := "", []string{}
		if r.LastExit != nil {
			end = fmt.Sprint(r.LastExit.Code)
		}
		for _, f := range r.Findings {
			findings = append(findings, f.ID)
		}
		return fmt.Sprint(r.Installed, " ", r.Phase, " ", r.PID, " ", r.Version, " ", r.RSS, " ", r.Restarts, " ", end, " ", findings)
	}
	want := map[string]string{
		"runs":      "true ready 70 2.0 3145728 1  [health-failing]",
		"stopped@a": "true stopped 0  -1 0  [not-running]",
		"crashed":   "true failed 0 1.0 -1 2 3 [failed]",
		"again":     "true starting 0  -1 0  []",
		"damaged":   "false stopped 0  -1 0  []",
		"defined":   "true stopped 0  -1 0  [not-running]",
		"byhand":    "false starting 60  3145728 0  []",
	}
	if _, there := rows["byhand"]; !there {
		delete(want, "byhand")
	}
	for name, w := range want {
		if got := short(rows[name]); got != w {
			t.Errorf("%s: %s, want %s", name, got, w)
		}
	}
	if len(rows) != len(want) || len(rows["damaged"].Notes) != 1 || !strings.Contains(notes, "your own services") {
		t.Errorf("%d rows, %q; %s", len(rows), rows["damaged"].Notes, notes)
	}
	s.fails = errors.New("it hangs")
	if _, notes := p.fleet(s.machine()); !strings.Contains(notes, "fake does not report which services it restarts") {
		t.Errorf("%s", notes)
	}
	if _, notes := p.fleet(p.machine()); !strings.Contains(notes, "fake does not report for all services") { // one that has failed
		t.Errorf("%s", notes)
	}
	if rows, _ := p.fleet(s.machine(), "--scope", "system"); len(rows) == 0 {
		t.Error("nothing of the system")
	}
}

// If the system does not say whether the process of the state file lives, its lock does.
func TestFleetStatusByTheLock(t *testing.T) {
	p, s := fleetPlace(t)
	p.put(filepath.Join(p.has("runs"), "runs.state.json"), state.State{Name: "runs", Process: feedd, Phase: platform.PhaseReady, StartedAt: noon})
	p.held["runs"] = singleton.Holder{Identity: feedd}
	m := s.machine()
	m.Alive = func(proc.Identity) (bool, error) { return false, os.ErrPermission }
	if rows, _ := p.fleet(m); rows["runs"].PID != feedd.PID || rows["runs"].RSS != 3<<20 {
		t.Errorf("%+v", rows["runs"])
	}
}

// Most entries in the shared runtime directory are no services of ours.
func TestFleetStatusPassesOverWhatIsNoService(t *testing.T) {
	p, s := fleetPlace(t)
	d, err := native.DirsFor(platform.ScopeUser, "byhand")
	if err != nil || !strings.HasPrefix(d.Runtime, p.dir) {
		t.Skip("the runtime directory of a user is not in the environment here")
	}
	if err := errors.Join(os.MkdirAll(d.Runtime, 0o755), os.MkdirAll(filepath.Join(filepath.Dir(d.Runtime), "machines", "one"), 0o755)); err != nil {
		t.Fatal(err)
	}
	p.put(filepath.Join(d.Runtime, "byhand.state.json"), state.State{Name: "byhand", Process: other, Phase: platform.PhaseStarting, StartedAt: noon})
	for _, name := range []string{"byhand.pid", "foo", "bar.pid", "../machines/two"} {
		p.put(filepath.Join(d.Runtime, name), "1")
	}
	if rows, _ := p.fleet(s.machine()); len(rows) != 1 || rows["byhand"].PID != other.PID {
		t.Errorf("%+v", rows)
	}
}

func TestFleetStatusForPeople(t *testing.T) {
	p, s := fleetPlace(t)
	if err := p.runOn(t.Context(), s.machine(), "fleet", "status"); err != nil || !strings.HasPrefix(p.out.String(), "no holdfast services of scope user") {
		t.Errorf("%v\n%s", err, p.out.String())
	}
	dir := p.has("evil")
	p.put(filepath.Join(dir, "evil.state.json"), state.State{
		Name: "evil", Version: "1\nfake  ready", Process: feedd, Phase: "\x1b[2Jready", StartedAt: noon, PhaseSince: noon, LastExit: &platform.Exit{Signal: "SIG\nKILL", Code: -1},
	})
	if err := p.runOn(t.Context(), s.machine(), "fleet", "status"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(p.out.String(), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "NAME  PHASE") || strings.Contains(p.out.String(), "\x1b[2J") {
		t.Errorf("%q", lines)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := p.runOn(ctx, s.machine(), "fleet", "status", "--watch"); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("watched: %v", err)
	}
	if code, err := p.run("fleet", "stats"); code != platform.ExitUsage && code != platform.ExitFailed || err == nil {
		t.Errorf("%d, %v", code, err)
	}
	if !slices.Contains(strings.Fields(p.out.String()+"status"), "status") {
		t.Error("no help")
	}
}
