//go:build windows

package windows_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// fleet is a service with a program of its own, which is version 1, and other versions of it.
type fleet struct {
	*installed
	service  string
	versions string // directory
}

// newFleet returns the fleet of a service with that name, which no other test has, because an
// upgrade concerns all instances. No time limit ends any part of its life, unless the test
// sets one.
func newFleet(t *testing.T, service string) fleet {
	t.Helper()
	dir := t.TempDir()
	s := newService(t, asVersion(t, filepath.Join(dir, "program", service+".exe"), service, "1", "good"), service)
	f := fleet{s, service, filepath.Join(dir, "new")}
	f.limit(t, unlimited, unlimited)
	s.do(t, "install", "--start").must(t)
	return f
}

// limit sets how long starts and stops may take. A candidate without a conductor goes on for
// the sum of both after the end of its trial.
func (f fleet) limit(t *testing.T, start, stop time.Duration) {
	t.Helper()
	f.write(t, "[service]", "start_timeout = '"+start.String()+"'", "stop_timeout = '"+stop.String()+"'", "[service.restart]", "delay = '1s'")
}

func (f fleet) version(t *testing.T, version, behaviour string) string {
	t.Helper()
	return asVersion(t, filepath.Join(f.versions, version+"-"+behaviour+".exe"), f.service, version, behaviour)
}

// versionStatus has the fields of `status --json` about the version.
type versionStatus struct {
	Version, Trial string
	Ready          bool
	PID            int
}

func (f fleet) now(t *testing.T) (st versionStatus, out string) {
	t.Helper()
	out = f.do(t, "status", "--json").out
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return st, out
}

// isConfirmed reports whether that version is ready, in the process that the SCM has started.
func (f fleet) isConfirmed(t *testing.T, version string, st versionStatus) bool {
	t.Helper()
	return st.Version == version && st.Ready && st.Trial == "" && st.PID == int(f.query(t).ProcessId)
}

// runs fails the test unless that version is ready now.
func (f fleet) runs(t *testing.T, version string) {
	t.Helper()
	if st, out := f.now(t); !f.isConfirmed(t, version, st) {
		t.Fatalf("want %s by process %d: %s", version, f.query(t).ProcessId, out)
	}
}

// comesToRun waits until that version is ready, after a command that does not promise this.
func (f fleet) comesToRun(t *testing.T, version string) {
	t.Helper()
	eventually(t, version+" runs", func() bool { st, _ := f.now(t); return f.isConfirmed(t, version, st) })
}

// onTrial waits until that version is on trial and ready.
func (f fleet) onTrial(t *testing.T, version string) (pid int) {
	t.Helper()
	eventually(t, version+" is on trial", func() bool {
		st, _ := f.now(t)
		pid = st.PID
		return st.Version == version && st.Ready && st.Trial != ""
	})
	return pid
}

// triesAlone puts that version on trial, and kills the conductor. How long a trial must be for
// both depends on the machine: if it ended before, it is repeated with twice the time.
func (f fleet) triesAlone(t *testing.T, version string) {
	t.Helper()
	tried := func(st versionStatus) bool { return st.Version == version && st.Ready && st.Trial != "" }
	for timeout := 10 * time.Second; timeout < wait.Limit; timeout *= 2 {
		asked := f.upgrades(t, f.version(t, version, "good"), "--settle", "1h", "--timeout", timeout.String(), "--force") // what has failed is not tried again else
		asking, seen := process(t, asked.Process.Pid), false
		eventually(t, version+" is on trial, or was", func() bool {
			st, _ := f.now(t)
			seen = tried(st)
			return seen || gone(t, asking)
		})
		conductor, _ := f.conductors(t)
		h, err := windows.OpenProcess(windows.PROCESS_TERMINATE, false, uint32(conductor))
		if !seen || err != nil {
			eventually(t, "the trial is over", func() bool { return gone(t, asking) })
			continue
		}
		_ = asked.Process.Kill()
		_ = windows.TerminateProcess(h, 9)
		must(t, windows.CloseHandle(h))
		if st, _ := f.now(t); tried(st) {
			return
		}
		f.do(t, "versions") // who was killed while it took the version before back had perhaps stopped the service
		f.comesToRun(t, "2")
	}
	t.Fatalf("%s was never on trial long enough to be seen alone", version)
}

// upgrades starts an upgrade in the background.
func (f fleet) upgrades(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(f.exe, append([]string{"upgrade", "--instance", f.instance, "--config", f.config}, args...)...)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// conductor returns the process that conducts the current upgrade.
func (f fleet) conductor(t *testing.T) int {
	t.Helper()
	pid, out := f.conductors(t)
	if pid == 0 {
		t.Fatal(out)
	}
	return pid
}

// conductors is conductor, or 0 if no upgrade is under way.
func (f fleet) conductors(t *testing.T) (pid int, out string) {
	t.Helper()
	var ledger struct {
		OnTrial struct{ Conductor struct{ PID int } } `json:"on_trial"`
	}
	r := f.do(t, "versions", "--json")
	if err := json.Unmarshal([]byte(r.out), &ledger); err != nil {
		t.Fatalf("%v: %s", err, r.out)
	}
	return ledger.OnTrial.Conductor.PID, r.out
}

// An upgrade is confirmed, and another one rolled back. A stopped service stays stopped.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "upgraded")
	f.do(t, "upgrade", f.version(t, "2", "good"), "--settle", "1s").want(t, 0, f.name+" is 2 (", "and was 1 (")
	f.runs(t, "2")
	f.do(t, "upgrade", f.version(t, "2", "good")).want(t, 0, "is already 2")
	f.do(t, "reload").want(t, 0)
	f.do(t, "restart").want(t, 0)
	f.runs(t, "2")
	f.do(t, "upgrade", f.version(t, "4", "good"), "--sha256", "00").want(t, 1, "its SHA-256 is")
	f.do(t, "rollback", "--settle", "1s").want(t, 0)
	f.runs(t, "1")
	f.do(t, "stop").must(t)
	f.do(t, "upgrade", f.version(t, "4", "good")).want(t, 0, "the service was stopped and stays stopped")
	f.do(t, "status").want(t, 3)
	f.do(t, "start").must(t)
	f.runs(t, "4")
	f.do(t, "versions").want(t, 0, " confirmed  4 (", "  previous  1 (")
}

// The previous version runs again, however the candidate fails.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	for name, candidates := range map[string][]struct{ behaviour, says string }{ // the others are those that only the end of their time ends
		"ends":    {{"fails", "port 99999 is none"}, {"exits", "rolled back"}, {"early", "exit code 3"}, {"panics", "exit code 2"}, {"dies", "rolled back"}},
		"starts":  {{"mute", "rolled back"}, {"hangs", "rolled back"}},
		"sickens": {{"sick", "rolled back"}, {"deaf", "rolled back"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, name)
			f.limit(t, unlimited, 20*time.Second) // two candidates do not stop when they are asked to
			timeout := "5s"
			if name == "ends" {
				timeout = "2h"
			}
			for _, c := range candidates {
				f.do(t, "upgrade", f.version(t, "3", c.behaviour), "--settle", "1h", "--timeout", timeout).want(t, 10, c.says, "; 1 (")
				f.runs(t, "1")
			}
			if name == "ends" { // the time of the others may be over before they had a chance: they are not pinned then
				f.do(t, "upgrade", f.version(t, "3", candidates[0].behaviour)).want(t, 1, "use --force to try it again")
				f.do(t, "versions").want(t, 0, " confirmed  1 (", "    failed  3 (")
			}
			left, err := os.ReadDir(f.exe + ".versions")
			must(t, err)
			for _, e := range left {
				t.Errorf("%s is left", e.Name())
			}
		})
	}
}

// The outcome is right even if the command, the conductor, or the process that the manager has
// started is killed.
func TestUpgradeIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "killed")
	result := func(t *testing.T, want string) {
		t.Helper()
		eventually(t, "it is "+want, func() bool {
			return strings.Contains(f.do(t, "versions", "--json").out, `"result": "`+want+`"`)
		})
	}
	asked := f.upgrades(t, f.version(t, "2", "good"), "--settle", "10s") // time enough to see it
	eventually(t, "it has begun", func() bool { return strings.Contains(f.do(t, "versions", "--json").out, `"step"`) })
	must(t, asked.Process.Kill())
	result(t, "confirmed")
	f.comesToRun(t, "2")

	// The conductor is killed: the next command recovers.
	asked = f.upgrades(t, f.version(t, "3", "good"), "--settle", "1h", "--timeout", "2h")
	f.onTrial(t, "3")
	f.do(t, "upgrade", f.version(t, "4", "good")).want(t, 75, "another one is under way: by ")
	must(t, asked.Process.Kill())
	kill(t, process(t, f.conductor(t)))
	result(t, "interrupted")
	f.comesToRun(t, "2")

	// Without another command, the trial ends at its deadline, and the manager notices
	// nothing.
	f.limit(t, 20*time.Second, 20*time.Second)
	f.triesAlone(t, "3")
	keeper := f.query(t).ProcessId
	eventually(t, "the confirmed version runs in the process that kept the candidate", func() bool {
		out := f.do(t, "status", "--json").out
		return strings.Contains(out, `"version": "2"`) && strings.Contains(out, fmt.Sprintf(`"pid": %d`, keeper)) && strings.Contains(out, `"ready": true`)
	})
	result(t, "interrupted")
	f.comesToRun(t, "2")

	// The candidate ends with the process that is its parent.
	f.limit(t, unlimited, unlimited)
	f.upgrades(t, f.version(t, "5", "good"), "--settle", "1h", "--timeout", "2h")
	candidate := process(t, f.onTrial(t, "5"))
	kill(t, process(t, int(f.query(t).ProcessId)))
	eventually(t, "the candidate goes with it", func() bool { return gone(t, candidate) })
	result(t, "rolled-back")
	f.comesToRun(t, "2")
}

// The conductor is killed after it has stopped the service, and before it starts the service
// from its path: the next command starts it.
func TestUpgradeIsKilledInItsLastRestart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "renewed")
	before := f.query(t).ProcessId
	asked := f.upgrades(t, f.version(t, "2", "held"), "--settle", "100ms")
	eventually(t, "the candidate's keeper is stopped", func() bool {
		now := f.query(t)
		return now.ProcessId != before && now.CurrentState == windows.SERVICE_STOP_PENDING
	})
	conductor := process(t, f.conductor(t))
	must(t, asked.Process.Kill())
	kill(t, conductor)
	must(t, os.WriteFile(letGo(f.config), nil, 0o644))
	eventually(t, "it is stopped", func() bool { return f.query(t).CurrentState == windows.SERVICE_STOPPED })
	f.do(t, "versions").want(t, 0, " confirmed  2 (")
	f.comesToRun(t, "2")
}

// Controls for a service reach the candidate that runs in its place.
func TestTrialIsTheService(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "tried")
	f.upgrades(t, f.version(t, "2", "good"), "--settle", "1h", "--timeout", "2h")
	f.onTrial(t, "2")
	f.do(t, "reload").want(t, 0)
	f.do(t, "stop").want(t, 0)
	f.do(t, "status").want(t, 3)
	eventually(t, "it was interrupted", func() bool {
		return strings.Contains(f.do(t, "versions", "--json").out, `"result": "interrupted"`)
	})
	f.do(t, "status").want(t, 3)
	f.do(t, "start").must(t)
	f.runs(t, "1")
}
