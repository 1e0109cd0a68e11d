package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A filterer is a manager that can filter its log.
type filterer struct{ *manager }

func (f filterer) FilteredLogs(id platform.ID, l platform.LogFilter) []string {
	f.p.note("filter %s %+v", id, l)
	return f.Logs(id, 3, false)
}

// All flags of logs reach a manager that understands them, together.
func TestLogFlagsReachTheManager(t *testing.T) {
	plain := platform.LogFilter{Lines: 50}
	with := func(change func(*platform.LogFilter)) string {
		f := plain
		change(&f)
		return fmt.Sprintf("filter feedd %+v", f)
	}
	for args, want := range map[string]string{
		"logs -n 7":               "", // the plain command does
		"logs --since @5":         with(func(f *platform.LogFilter) { f.Since = "@5" }),
		"logs -p err":             with(func(f *platform.LogFilter) { f.Priority = "err" }),
		"logs -p error":           with(func(f *platform.LogFilter) { f.Priority = "err" }),
		"logs -p WARN":            with(func(f *platform.LogFilter) { f.Priority = "warning" }),
		"logs -p critical":        with(func(f *platform.LogFilter) { f.Priority = "crit" }),
		"logs -p emergency":       with(func(f *platform.LogFilter) { f.Priority = "emerg" }),
		"logs -p Notice":          with(func(f *platform.LogFilter) { f.Priority = "notice" }),
		"logs --since 1h":         with(func(f *platform.LogFilter) { f.Since = fmt.Sprintf("@%d", noon.Add(-time.Hour).Unix()) }),
		"logs --since 1h10m":      with(func(f *platform.LogFilter) { f.Since = fmt.Sprintf("@%d", noon.Add(-70*time.Minute).Unix()) }),
		"logs --since -1h":        with(func(f *platform.LogFilter) { f.Since = "-1h" }), // journalctl knows that one
		"logs --json":             with(func(f *platform.LogFilter) { f.JSON = true }),
		"logs --json -f":          with(func(f *platform.LogFilter) { f.JSON, f.Follow = true, true }),
		"logs --json -n 0":        with(func(f *platform.LogFilter) { f.JSON, f.Lines = true, 0 }),
		"logs --priority=3 -n -1": with(func(f *platform.LogFilter) { f.Priority, f.Lines = "3", -1 }),
		"logs --json -p err --since today --follow --lines 2": with(func(f *platform.LogFilter) {
			*f = platform.LogFilter{JSON: true, Priority: "err", Since: "today", Follow: true, Lines: 2}
		}),
	} {
		t.Run(args, func(t *testing.T) {
			p := newPlace(t)
			m := p.machine()
			m.Manager = func(string) (platform.Manager, error) { return filterer{p.m}, nil }
			if err := p.runOn(t.Context(), m, strings.Fields(args)...); err != nil {
				t.Fatal(err)
			}
			p.did = slices.DeleteFunc(p.did, func(did string) bool { // whether it is understood was asked before
				return did == "echo" || did == "cmd" || strings.Contains(did, "Lines:0") && !strings.Contains(args, "-n 0")
			})
			if got := strings.Join(p.did, "\n"); got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
			if says := strings.TrimSpace(p.out.String()); says != "3 lines" && want != "" || want == "" && says != "7 lines" {
				t.Errorf("it shows %q", says)
			}
		})
	}
}

// If a log cannot be filtered, the error names the flags and the log, and nothing is shown.
func TestLogFlagsThatCannotBe(t *testing.T) {
	for args, flags := range map[string]string{
		"--json": "--json", "-p err": "--priority", "--since today": "--since",
		"--since today --json -p 3 -n 4": "--json --priority --since",
	} {
		p := newPlace(t)
		p.wants("logs "+args, platform.ExitUsage, "logs "+flags+": fake cannot do that")
		p.cfg.Log.File = p.dir + "/feedd.log"
		p.put(p.cfg.Log.File, "one\n")
		p.wants("logs "+args, platform.ExitUsage, "logs "+flags+": the log is the file "+p.cfg.Log.File+", of which only the last lines can be shown: use grep")
		if strings.Contains(p.out.String(), "one") {
			t.Errorf("%s: it shows the log all the same", args)
		}
		p = newPlace(t)
		unmanaged(p)
		p.wants("logs "+args, 1, "the log goes to the terminal of `run`, or to [service.log] file")
	}
}

// logs ends with the exit code of the manager's command, which has reported the reason.
func TestLogsEndAsTheirCommand(t *testing.T) {
	p := newPlace(t)
	p.m.logs = []string{os.Args[0], "-test.no-such-flag"}
	code, err := p.run("logs")
	if code != 2 || !cli.Silent(err) || !strings.Contains(p.errs.String(), "no-such-flag") || strings.Contains(p.errs.String(), "Error:") {
		t.Errorf("%d, %v: %s", code, err, p.errs.String())
	}
	p.m.logs = []string{p.dir + "/no-such-program"}
	code, err = p.run("logs")
	if code != 1 || cli.Silent(err) || !strings.Contains(fmt.Sprint(err), "no-such-program") {
		t.Errorf("%d, %v", code, err)
	}
}

// The log of a foreign service with this name is shown, with a note about that.
func TestLogsOfSomebodyElses(t *testing.T) {
	p := newPlace(t)
	p.theirs(nil)
	p.wants("logs -n 2", 0, "not of a service of ours: logs \"feedd\": ")
	if !strings.HasPrefix(p.out.String(), "2 lines") {
		t.Errorf("it shows %q", p.out.String())
	}
}

// A failed start shows the log since its request, if the log can be filtered.
func TestAFailedStartAsksForItsOwnLog(t *testing.T) {
	p := newPlace(t)
	p.m.acts = errors.New("it failed")
	m := p.machine()
	m.Manager = func(string) (platform.Manager, error) { return filterer{p.m}, nil }
	if err := p.runOn(t.Context(), m, "start"); err == nil {
		t.Fatal("it did not fail")
	}
	want := fmt.Sprintf("filter feedd %+v", platform.LogFilter{Lines: 1000, Since: fmt.Sprintf("@%d.000000", noon.Unix())})
	if got := strings.Join(p.did, "\n"); got != "start\n"+want {
		t.Errorf("did %q, want %q", got, want)
	}
	if !strings.Contains(p.errs.String(), "the last lines of its log:\n  3 lines\n") {
		t.Error(p.errs.String())
	}
}

// Two runs in the same second, and the first one was denied something: its log lines lead to
// no finding about the second.
func TestDoctorReadsTheLogOfTheLastRunAlone(t *testing.T) {
	p := wellOff(t)
	started := noon.Add(-time.Minute + 500*time.Millisecond + 7*time.Microsecond)
	p.put(filepath.Join(p.cfg.StateDir, "feedd.lastrun.json"), recovery.LastRun{Process: feedd, Started: started})
	m := p.machine()
	m.Manager = func(string) (platform.Manager, error) { return filterer{p.m}, nil }
	if err := p.runOn(t.Context(), m, "doctor"); err != nil && !cli.Silent(err) {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Since:@%d.500007", started.Unix())
	if !slices.ContainsFunc(p.did, func(did string) bool { return strings.Contains(did, want) }) {
		t.Errorf("no %s in %q", want, p.did)
	}
}
