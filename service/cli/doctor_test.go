package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// wellOff returns a machine on which the service runs under its manager and lacks nothing.
func wellOff(t *testing.T) *place {
	p := newPlace(t)
	p.m.st = platform.Status{
		Manager: "fake", Installed: true, Enabled: true, Phase: platform.PhaseReady, PID: feedd.PID, Since: noon.Add(-time.Minute),
		Definition: &platform.Definition{Path: "/etc/fake/feedd", Ours: true, Own: map[string]string{"unmask": "fakectl unmask feedd"}},
	}
	p.runs(feedd, "fake")
	p.writes(feedd, platform.PhaseReady, nil)
	p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), fmt.Sprintln(feedd.PID))
	p.volume = doctor.Volume{Size: 1 << 40, Free: 1 << 39, Files: 1000, Left: 900}
	p.files = [2]uint64{10, 1000}
	return p
}

// diagnosis returns the output of `doctor --json` and its exit code.
func (p *place) diagnosis(args ...string) (r doctor.Report, code int) {
	p.t.Helper()
	code, err := p.run(append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil {
		p.t.Fatalf("%v in %s", err, p.out.String())
	}
	if err != nil && !cli.Silent(err) {
		p.t.Errorf("%v is said beside it", err)
	}
	return r, code
}

func ids(r doctor.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, f.ID)
	}
	return all
}

// doctor reports nothing above a note about a healthy service: while it runs, when it was
// stopped in order, without a manager, and if it does not exist at all.
func TestDoctorHasNothingToSayOfWhatIsWell(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*place)
		notes  []string
	}{
		"it runs":        {func(*place) {}, nil},
		"its Inventory":  {func(p *place) { p.m.inventory = true; p.m.st.Manager = "fake" }, []string{"other-scope"}},
		"it was stopped": {func(p *place) { isDown(p); p.ended(&platform.Exit{Clean: true, Reason: "stopped"}) }, []string{"not-running"}},
		"by hand":        {func(p *place) { p.m = nil; p.runs(feedd, "") }, []string{"no-manager"}},
		"nothing there":  {func(p *place) { isDown(p); p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped} }, []string{"not-installed"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := wellOff(t)
			tt.change(p)
			if r, code := p.diagnosis(); code != 0 || !slices.Equal(ids(r), tt.notes) {
				t.Errorf("exit code %d, %+v", code, r.Findings)
			}
			if len(p.did) > 0 {
				t.Errorf("it did %q", p.did)
			}
		})
	}
}

// isDown makes the service down, with nothing left.
func isDown(p *place) {
	delete(p.held, "feedd")
	p.m.st.PID, p.m.st.Phase = 0, platform.PhaseStopped
	for _, name := range []string{"feedd.pid", "feedd.state.json"} {
		_ = os.Remove(filepath.Join(p.cfg.RuntimeDir, name))
	}
}

// Facts gathered from the machine lead to the matching finding.
func TestDoctorFinds(t *testing.T) {
	reloaded := func(s *state.State) {
		s.Reloads = state.Reloads{Completed: 1, Failed: 1, LastError: "bad url", LastEnd: noon}
	}
	for name, tt := range map[string]struct {
		change func(*place)
		id     string
		says   string
		fix    string // "*": some command
		code   int
	}{
		"another process": {func(p *place) {
			p.table = []cli.TableEntry{cli.Entry(99, 1, "/usr/sbin/feedd", "", "/usr/sbin/feedd", "run")}
		}, "other-process", "process 99", "kill 99", 3},
		"a refused reload": {func(p *place) { p.writes(feedd, platform.PhaseReady, reloaded) }, "reload-failed", "bad url", "/usr/sbin/feedd reload", 3},
		"a sick process": {func(p *place) {
			p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.Health = []state.Health{{Name: "db", Since: noon, Error: "away"}} })
		}, "health-failing", "away", "", 4},
		"a replaced program": {func(p *place) { p.replaced = true }, "program-newer", "/usr/sbin/feedd", "/usr/sbin/feedd restart", 3},
		"a program gone":     {func(p *place) { p.removed = true }, "program-gone", "/usr/sbin/feedd", "", 4},
		"a full disk":        {func(p *place) { p.volume.Free = 0 }, "disk-full", p0, "", 4},
		"few inodes":         {func(p *place) { p.volume.Left = 3 }, "inodes-full", "3 of 1000", "", 4},
		"many files":         {func(p *place) { p.files[0] = 990 }, "files-nearly-used", "990 of the 1000", "", 3},
		"a clock set":        {func(p *place) { p.age = time.Hour }, "clock-jumped", "set back by 59m0s", "", 0},
		"not enabled":        {func(p *place) { p.m.st.Enabled = false }, "disabled", "at boot", "/usr/sbin/feedd install", 3},
		"masked": {func(p *place) {
			isDown(p)
			p.m.st.Installed, p.m.st.Definition.Ours, p.m.st.Definition.State = false, false, platform.DefinitionMasked
		}, "masked", "/etc/fake/feedd", "fakectl unmask feedd", 4},
		"somebody else's":  {func(p *place) { isDown(p); p.m.st.Installed, p.m.st.Definition.Ours = false, false }, "definition-foreign", "/etc/fake/feedd", "/usr/sbin/feedd install --adopt", 4},
		"a silent manager": {func(p *place) { p.m.broken = errors.New("bus error") }, "manager-silent", "bus error", "", 0},
		"by hand":          {func(p *place) { p.runs(feedd, ""); p.m.st.PID, p.m.st.Phase = 0, platform.PhaseStopped }, "started-by-hand", "process 70", "/usr/sbin/feedd restart", 3},
		"killed":           {func(p *place) { isDown(p); p.ended(nil) }, "failed", "without a trace", "/usr/sbin/feedd start", 4},
		"failed": {func(p *place) {
			isDown(p)
			p.m.st.Phase = platform.PhaseFailed
			p.ended(&platform.Exit{Code: 1, Reason: "no database"})
		}, "failed", "no database", "/usr/sbin/feedd start", 4},
		"about to be tried": {func(p *place) {
			isDown(p)
			p.m.st.Phase, p.m.st.Next = platform.PhaseStarting, &platform.NextTry{At: noon.Add(time.Second), Number: 2}
			p.ended(&platform.Exit{Code: 1, Reason: "no database"})
		}, "restart-loop", "no database", "", 4},
		"given up": {func(p *place) {
			isDown(p)
			p.m.st.Phase, p.m.st.GaveUp, p.m.st.Restarts = platform.PhaseFailed, true, 10
			p.ended(&platform.Exit{Code: 1, Reason: "no database"})
		}, "gave-up", "10 times", "/usr/sbin/feedd start", 4},
		"an unnamed holder": {func(p *place) { p.held["feedd"] = singleton.Holder{}; p.m.st.PID = 0 }, "lock-unnamed", "feedd", "", 4},
		"a bad file":        {func(p *place) { p.file("[service]\nstop_timout = \"1s\"\n") }, "config-bad", "stop_timout", "", 4},
		"poison": {func(p *place) {
			w := recovery.Work{SetAside: 1}
			if err := recovery.WriteWork(filepath.Join(p.cfg.StateDir, "feedd.journal"), w); err != nil {
				p.t.Fatal(err)
			}
		}, "work-set-aside", "1 piece of work", "", 3},
		"a wrong PID file": {func(p *place) { p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), "4711\n") }, "pid-file-wrong", "it names 4711", "/usr/sbin/feedd restart", 3},
		"no PID file":      {func(p *place) { _ = os.Remove(filepath.Join(p.cfg.RuntimeDir, "feedd.pid")) }, "pid-file-wrong", "it is not there", "/usr/sbin/feedd restart", 3},
		"another's state":  {func(p *place) { p.writes(other, platform.PhaseReady, nil) }, "state-file-missing", "another process", "/usr/sbin/feedd restart", 3},
		"no state":         {func(p *place) { _ = os.Remove(state.Path(p.cfg.RuntimeDir, "feedd")) }, "state-file-missing", "state file", "/usr/sbin/feedd restart", 3},
		"a bad record":     {func(p *place) { p.badRecord("{") }, "record-unreadable", "feedd.json", "*", 3},
		"a lost supervisor": {func(p *place) {
			p.m.inventory, p.cfg.Supervise = true, true
		}, "supervisor-gone", "process 70", "/usr/sbin/feedd restart", 3},
		"alarms": {func(p *place) {
			p.put(filepath.Join(p.cfg.StateDir, "feedd.alarms.json"), `{"ways":[{"name":"command","in_a_row":2,"error":"exit code 1"}]}`)
		}, "alarm-undelivered", "exit code 1", "", 3},
		"no table": {func(p *place) { p.untold = errors.New("not for you") }, "unseen", "not for you", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := wellOff(t)
			tt.change(p)
			r, code := p.diagnosis()
			if len(r.Findings) == 0 || code != tt.code {
				t.Fatalf("exit code %d, want %d: %+v", code, tt.code, r.Findings)
			}
			top := r.Findings[0]
			says := strings.ReplaceAll(tt.says, p0, p.cfg.RuntimeDir)
			if top.ID != tt.id || !strings.Contains(top.Cause, says) || top.Fix != tt.fix && tt.fix != "*" {
				t.Errorf("found %+v, want %s, %q, %q", top, tt.id, says, tt.fix)
			}
		})
	}
}

// p0 is the placeholder for the runtime directory.
const p0 = "RUNTIME"

// badRecord writes something in place of the record of the installation.
func (p *place) badRecord(content string) {
	dir := filepath.Join(p.dir, "holdfast")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	p.put(filepath.Join(dir, "feedd.json"), content)
}

// doctor finds foreign processes of the same program. It excludes the holder's ancestors and
// children, other instances, other commands, and itself.
func TestDoctorKnowsItsOwnProcesses(t *testing.T) {
	run := func(pid, parent int, words ...string) cli.TableEntry {
		return cli.Entry(pid, parent, "/usr/sbin/feedd", "", append([]string{"/usr/sbin/feedd"}, words...)...)
	}
	p := wellOff(t)
	p.table = []cli.TableEntry{
		run(feedd.PID, 69, "run"), run(69, 1, "run"), run(71, feedd.PID, "run"), run(72, 71, "run"),
		run(80, 1, "logs", "-f"), run(81, 1, "run", "--instance", "blue"), run(82, 1, "run", "--instance=blue"), run(50, 1, "doctor"), run(83, 1),
	}
	if r, code := p.diagnosis(); code != 0 || len(r.Findings) > 0 {
		t.Errorf("%d, %+v", code, r.Findings)
	}
	p.table = append(p.table, run(90, 1, "run", "--config", "/other.toml"), run(91, 80, "run"))
	r, code := p.diagnosis()
	if code != 3 || len(r.Findings) != 2 || !strings.Contains(r.Findings[0].Cause, "process 91 ") || r.Findings[1].Severity != doctor.Note {
		t.Errorf("%d, %+v", code, r.Findings)
	}
}

// The commands are complete and can be copied: they have the flags that somebody gave, quoted.
func TestDoctorsCommandsAreComplete(t *testing.T) {
	p := wellOff(t)
	p.replaced = true
	dir := p.cfg.RuntimeDir
	if runtime.GOOS == "windows" {
		dir = "'" + dir + "'"
	}
	r, _ := p.diagnosis("--runtime-dir", p.cfg.RuntimeDir, "--manager", "fake")
	if want := "/usr/sbin/feedd restart --runtime-dir " + dir + " --manager fake"; len(r.Findings) == 0 || r.Findings[0].Fix != want {
		t.Errorf("%+v, want %s", r.Findings, want)
	}
}

// `logs` shows nothing about a process that was started by hand, and doctor used to recommend
// it.
func TestDoctorOffersNoLogsOfWhatRunsByHand(t *testing.T) {
	ill := func(s *state.State) {
		s.Health = []state.Health{{Name: "queue", Since: noon, Error: "it is full"}}
	}
	for name, tt := range map[string]struct {
		change func(*place)
		see    string
	}{
		"by its manager":             {func(p *place) { p.writes(feedd, platform.PhaseReady, ill) }, "/usr/sbin/feedd logs"},
		"by hand, without a manager": {func(p *place) { byHand(p); unmanaged(p); p.writes(other, platform.PhaseReady, ill) }, ""},
		"by hand, beside its manager": {func(p *place) {
			byHand(p)
			p.m.st.PID, p.m.st.Phase = 0, platform.PhaseStopped
			p.writes(other, platform.PhaseReady, ill)
		}, ""},
		"by hand, with a file": {func(p *place) {
			byHand(p)
			unmanaged(p)
			p.cfg.Log.File = filepath.Join(p.dir, "feedd.log")
			p.writes(other, platform.PhaseReady, ill)
		}, "/usr/sbin/feedd logs"},
	} {
		p := wellOff(t)
		tt.change(p)
		if strings.HasPrefix(name, "by hand") {
			p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), fmt.Sprintln(other.PID))
		}
		r, _ := p.diagnosis()
		i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return strings.Contains(f.Cause, "it is full") })
		if i < 0 || r.Findings[i].See != tt.see {
			t.Errorf("%s: %+v, want %q", name, r.Findings, tt.see)
		}
	}
}

// For people, the worst comes first with its consequences below, and healthy checks are one
// line.
func TestDoctorForPeople(t *testing.T) {
	p := wellOff(t)
	isDown(p)
	p.ended(nil)
	p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), "4711\n")
	if code, _ := p.run("doctor"); code != 4 {
		t.Errorf("exit code %d", code)
	}
	want := []string{
		"● feedd: 1 error, 1 note",
		"    error  its last run failed, and nothing restarts it: killed or crashed without a trace",
		"           | 1000 lines",
		"           $ /usr/sbin/feedd start",
		"           more: /usr/sbin/feedd logs",
		"     note  so: a PID file of an ended run is left: ",
		"       ok  machine, manager, configuration, ",
	}
	lines := strings.Split(strings.ReplaceAll(p.out.String(), "\r", ""), "\n")
	for i, line := range want {
		if i >= len(lines) || !strings.HasPrefix(lines[i], line) {
			t.Errorf("line %d is not %q in\n%s", i, line, p.out.String())
		}
	}
	p = wellOff(t)
	if code, _ := p.run("doctor"); code != 0 || !strings.HasPrefix(p.out.String(), "● feedd: nothing is wrong\n") {
		t.Errorf("%d, %s", code, p.out.String())
	}
}

// Text from files of the service's user is made safe before it reaches a terminal.
func TestDoctorShowsNoControlCharacters(t *testing.T) {
	p := wellOff(t)
	p.writes(feedd, platform.PhaseReady, func(s *state.State) {
		s.Health = []state.Health{{Name: "x", Since: noon, Error: "\x1b[2J\nall is well"}}
	})
	if _, err := p.run("doctor"); strings.Contains(p.out.String(), "\x1b") || strings.Contains(p.out.String(), "\nall") {
		t.Errorf("%q, %v", p.out.String(), err)
	}
}

// An examiner is a manager that reports more.
type examiner struct {
	*manager
	says platform.Examination
	err  error
}

func (e examiner) Examine(context.Context, platform.ID) (platform.Examination, error) {
	return e.says, e.err
}

func TestDoctorAsksTheManager(t *testing.T) {
	for id, e := range map[string]examiner{
		"definition-unread":  {says: platform.Examination{Unread: true}},
		"kill-timeout-short": {says: platform.Examination{KillAfter: time.Second}},
		"definition-broken":  {says: platform.Examination{Broken: "bad-setting"}},
		"not-startable":      {says: platform.Examination{Disabled: "disabled"}},
		"supervisor-gone":    {says: platform.Examination{Unwatched: "gone"}},
		"memory-nearly-used": {says: platform.Examination{Uses: []platform.Use{{What: "memory", Used: 9, Max: 10}}}},
		"initd-leftover":     {says: platform.Examination{Leftovers: []platform.Leftover{{Path: "/etc/init.d/feedd", Ours: true}}}},
		"unseen":             {err: fmt.Errorf("x: %w", fs.ErrPermission)},
	} {
		p := wellOff(t)
		e.manager = p.m
		m := p.machine()
		m.Manager = func(string) (platform.Manager, error) { return e, nil }
		err := p.runOn(t.Context(), m, "doctor", "--json")
		var r doctor.Report
		if e := json.Unmarshal(p.out.Bytes(), &r); e != nil || len(r.Findings) != 1 || r.Findings[0].ID != id {
			t.Errorf("%s: %v, %v: %s", id, e, err, p.out.String())
		}
	}
}

// A forgetful manager still names the process for its first answers after that has ended.
type forgetful struct {
	*manager
	answers int
}

func (f *forgetful) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st, err := f.manager.Status(ctx, id)
	if f.answers--; f.answers < 0 {
		st.PID, st.Phase = 0, platform.PhaseFailed
	}
	return st, err
}

// TestFaults/openrc/panicked: the process had just ended, OpenRC still named it, and doctor called
// that a disagreement.
func TestDoctorLooksAgainAfterTheEnd(t *testing.T) {
	for answers, want := range map[int]string{1: "failed", 2: "failed", 1000: "manager-disagrees"} {
		synctest.Test(t, func(t *testing.T) {
			p := wellOff(t)
			isDown(p)
			p.m.st.PID, p.m.st.Phase = feedd.PID, platform.PhaseReady
			p.ends(feedd.PID)
			p.ended(&platform.Exit{Code: 2, Reason: "panic"})
			m := p.machine()
			m.Manager = func(string) (platform.Manager, error) { return &forgetful{p.m, answers}, nil }
			err := p.runOn(t.Context(), m, "doctor", "--json")
			var r doctor.Report
			e := json.Unmarshal(p.out.Bytes(), &r)
			disagrees := slices.Contains(ids(r), "manager-disagrees")
			if e != nil || len(r.Findings) == 0 || !slices.Contains(ids(r), want) || disagrees != (want == "manager-disagrees") {
				t.Errorf("after %d answers: %v, %v: %s", answers, e, err, p.out.String())
			}
		})
	}
}

// A manager may be slow, and two answers from different moments may contradict each other.
func TestDoctorAsksTheManagerLittle(t *testing.T) {
	p := wellOff(t)
	before := p.m.queries.Load()
	p.diagnosis()
	if n := p.m.queries.Load() - before; n > 4 { // what it says; against the definition; whether what runs is its; in the other scope
		t.Errorf("%d queries", n)
	}
}
