package etcd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A plant has machines, each with an installed program, a manager that starts it, and its own
// directories, and one etcd.
type plant struct {
	*testing.T
	members  []*embedded.Member
	program  string // without a version
	machines []*site
}

type site struct {
	p    *plant
	name string
	dir  string
}

func newPlant(t *testing.T, n int) *plant {
	t.Helper()
	p := &plant{T: t, members: cluster(t, 1), program: filepath.Join(t.TempDir(), "program")}
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", p.program, "./internal/machine")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	old := p.version("1 good")
	for i := range n {
		m := &site{p: p, name: fmt.Sprintf("m%02d", i), dir: t.TempDir()}
		p.machines = append(p.machines, m)
		for _, d := range []string{"bin", "run", "state", "home", "xdg"} {
			must(t, os.Mkdir(filepath.Join(m.dir, d), 0o700))
		}
		must(t, os.Link(old, filepath.Join(m.dir, "bin", "relay")))
		must(t, os.WriteFile(filepath.Join(m.dir, "relay.toml"), fmt.Appendf(nil, `
[service]
stop_timeout = "2s"
[service.cluster]
ttl = "30s"
machine = %q
endpoints = [%q]
`, m.name, p.members[0].Client), 0o600))
		manifest, err := json.Marshal(state.Manifest{
			Format: 1, Name: "relay", Scope: platform.ScopeUser, Manager: "hand", Program: filepath.Join(m.dir, "bin", "relay"),
			Told: map[string]string{"config": filepath.Join(m.dir, "relay.toml"), "runtime-dir": filepath.Join(m.dir, "run"), "state-dir": filepath.Join(m.dir, "state")},
		})
		must(t, err)
		path := state.ManifestPath(filepath.Join(m.dir, "xdg", "holdfast"), "relay")
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, manifest, 0o600))
		t.Cleanup(func() {
			out, _ := m.command("stop", "--kill").CombinedOutput()
			if log, err := os.ReadFile(filepath.Join(m.dir, "log")); t.Failed() && err == nil {
				t.Logf("%s: stop says %s, and its log is\n%s", m.name, out, log)
			}
		})
	}
	var all sync.WaitGroup
	for i, m := range p.machines {
		if i == 0 { // so that the first one leads
			p.run(0, m.command("start"))
			continue
		}
		all.Go(func() { p.run(0, m.command("start")) })
	}
	all.Wait()
	return p
}

// version returns a file with that version of the program.
func (p *plant) version(text string) string {
	p.Helper()
	content, err := os.ReadFile(p.program)
	must(p.T, err)
	path := filepath.Join(p.TempDir(), "relay")
	must(p.T, os.WriteFile(path, fmt.Appendf(content, "%-32s", text), 0o700)) //nolint:gosec // a program
	return path
}

// command returns a command of the machine's program.
func (m *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(m.dir, "bin", "relay"), append(args, "--manager", "hand")...) //nolint:gosec // ours
	cmd.Env = append(os.Environ(), "HOLDFAST_MACHINE="+m.dir, "HOME="+filepath.Join(m.dir, "home"), "NO_COLOR=1",
		"XDG_RUNTIME_DIR="+filepath.Join(m.dir, "run"), "XDG_STATE_HOME="+filepath.Join(m.dir, "xdg"), "XDG_CONFIG_HOME="+filepath.Join(m.dir, "xdg"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// run runs a command and returns what it says.
func (p *plant) run(code int, cmd *exec.Cmd) string {
	p.Helper()
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.Errorf("%q: exit code %d, want %d:\n%s", cmd.Args, got, code, out)
	}
	return string(out)
}

// A begun command runs in the background.
type begun struct {
	*exec.Cmd
	out   *os.File
	ended chan struct{}
}

func (p *plant) begin(cmd *exec.Cmd) *begun {
	p.Helper()
	out, err := os.Create(filepath.Join(p.TempDir(), "out"))
	must(p.T, err)
	cmd.Stdout, cmd.Stderr = out, out
	must(p.T, cmd.Start())
	b := &begun{cmd, out, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(b.ended) }()
	return b
}

func (b *begun) over() bool {
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}

func (b *begun) said() string {
	content, _ := os.ReadFile(b.out.Name())
	return string(content)
}

// status returns what `fleet status --cluster` says. The command fails while etcd does not
// answer in time, as on a busy machine.
func (p *plant) status() (s fleetStatus) {
	p.Helper()
	var stdout, stderr strings.Builder
	wait.Until(p.T, "an answer of etcd", func() bool {
		stdout.Reset()
		stderr.Reset()
		cmd := p.machines[0].command("fleet", "status", "--cluster", "--json")
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		return cmd.Run() == nil
	}, stderr.String)
	must(p.T, json.Unmarshal([]byte(stdout.String()), &s))
	return s
}

type fleetStatus struct {
	Cluster  string
	Machines []struct {
		Machine, Phase, Role, Version, Trial string
		Live, Ready, Waits                   bool
		Turn                                 *struct{ State string }
	}
	Rollout *struct {
		Stopped bool
		Why     string
		Turns   []struct{ Machine, State string }
	}
	Pinned []struct{ Machine, Version string }
}

// settled waits until all machines serve with that version, and one of them leads.
func (p *plant) settled(version string) fleetStatus {
	p.Helper()
	var s fleetStatus
	wait.Until(p.T, "all machines serve with version "+version, func() bool {
		s = p.status()
		leaders := 0
		for _, m := range s.Machines {
			if !m.Ready || m.Version != version || m.Trial != "" {
				return false
			}
			if m.Role == "leader" {
				leaders++
			}
		}
		return leaders == 1 && len(s.Machines) == len(p.machines)
	}, func() string { return fmt.Sprintf("%+v", s) })
	return s
}

// inTurn starts the same upgrade on all machines at once. It returns how many commands ended
// with each exit code, and their output.
func (p *plant) inTurn(file string, flags ...string) (codes map[int]int, said string) {
	p.Helper()
	codes = map[int]int{}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, m := range p.machines {
		all.Go(func() {
			cmd := m.command(append([]string{"upgrade", file, "--in-turn", "--settle", "1s", "--canary-settle", "2s"}, flags...)...)
			out, _ := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			codes[cmd.ProcessState.ExitCode()]++
			said += m.name + ":\n" + string(out)
		})
	}
	all.Wait()
	return codes, said
}

// Incident 3: a bad release stops after the first of twelve machines, and all twelve are on the
// old version. The machines are processes of their own directories, with a real etcd.
func TestIncident3_TwelveMachines(t *testing.T) {
	p := newPlant(t, 12)
	s := p.settled("1")
	if s.Cluster != "relay" || s.Machines[0].Role != "leader" || s.Machines[1].Phase != "standby" || s.Rollout != nil {
		t.Errorf("%+v", s)
	}
	bad := p.version("2 bad")
	codes, said := p.inTurn(bad)
	if codes[10] != 1 || codes[1] != 11 {
		t.Errorf("%v:\n%s", codes, said)
	}
	s = p.settled("1")
	if !s.Rollout.Stopped || len(s.Rollout.Turns) != 1 || s.Rollout.Turns[0].State != "rolled-back" || len(s.Pinned) != 1 || !strings.Contains(s.Rollout.Why, "this version does not start") {
		t.Errorf("%+v", s.Rollout)
	}
	first := s.Rollout.Turns[0].Machine
	if strings.Count(said, "the rollout was stopped: 2 (") != 11 || s.Machines[0].Machine == first {
		t.Errorf("after %s:\n%s", first, said)
	}
	// The pin holds on a machine that has never tried it, and for an upgrade without a turn.
	i := slices.IndexFunc(p.machines, func(m *site) bool { return m.name != first })
	if text := p.run(1, p.machines[i].command("upgrade", bad)); !strings.Contains(text, "no machine of the cluster takes this version: 2 (") {
		t.Error(text)
	}
	if text := p.run(0, p.machines[i].command("fleet", "status", "--cluster")); !strings.Contains(text, "pinned: 2 (") || !strings.Contains(text, "standby  standby") || strings.Count(text, "\n") < 15 {
		t.Error(text)
	}
}

// A release that fails on the third machine is rolled back on the first two. Then a good one
// goes to all machines, the leader last, although etcd is away for a while and a command is
// killed in its turn.
func TestRolloutOnRealMachines(t *testing.T) {
	p := newPlant(t, 3)
	p.settled("1")
	good := p.version("2 good")

	// Killed in its turn: the upgrade goes on by its conductor, which reports it.
	victim := p.machines[1]
	killed := p.begin(victim.command("upgrade", good, "--in-turn", "--settle", "15s", "--canary-settle", "0s")) // so that a busy machine sees it in time
	wait.Until(t, "the turn of "+victim.name, func() bool {
		s := p.status()
		return killed.over() || s.Rollout != nil && len(s.Rollout.Turns) == 1 && s.Rollout.Turns[0].State == "upgrading" && s.Machines[1].Trial != ""
	}, killed.said)
	if killed.over() {
		t.Fatal(killed.said())
	}
	must(t, killed.Process.Kill())
	<-killed.ended
	wait.Until(t, "the conductor's report", func() bool { return p.status().Rollout.Turns[0].State == "confirmed" })

	// The others wait, then etcd goes away and comes back, and the leader is the last.
	leader := p.begin(p.machines[0].command("upgrade", good, "--in-turn", "--settle", "1s", "--canary-settle", "0s"))
	wait.Until(t, "the leader waits", func() bool {
		return leader.over() || strings.Contains(leader.said(), "its turn is after m02 (no upgrade waits there)") && p.status().Machines[0].Waits
	}, leader.said)
	p.members[0].Stop()
	must(t, p.members[0].Start())
	p.run(0, p.machines[2].command("upgrade", good, "--in-turn", "--settle", "1s"))
	<-leader.ended
	if code := leader.ProcessState.ExitCode(); code != 0 || !strings.Contains(leader.said(), "this machine leads, and its turn is after m02 (no upgrade waits there)") {
		t.Errorf("the leader ends with %d:\n%s", code, leader.said())
	}
	s := p.settled("2")
	if turns := s.Rollout.Turns; len(turns) != 3 || turns[2].Machine != "m00" || turns[0].Machine != "m01" {
		t.Errorf("%+v", turns)
	}
	// Once more: it is the outcome of the first one.
	if text := p.run(0, victim.command("upgrade", good, "--in-turn")); !strings.Contains(text, "relay is 2 (") {
		t.Error(text)
	}
}
