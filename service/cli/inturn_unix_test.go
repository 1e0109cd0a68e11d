//go:build unix

package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/test/machines"
)

// hangars are machines of one cluster, whose engine is in memory.
type hangars struct {
	board machines.Board
	all   []*hangar
}

// A shared cluster knows one of the machines as its own.
type shared struct {
	board   *machines.Board
	machine string
}

type sharedSettings struct{ service.ClusterSettings }

func (s shared) Defaults() any {
	return &sharedSettings{service.ClusterSettings{Machine: s.machine}}
}

func (shared) Elect(context.Context, service.Candidate, any) (singleton.Elector, error) {
	return nil, errors.New("nobody runs here")
}

func (s shared) Roster(context.Context, any) (singleton.Roster, error) { return s.board.Roster(), nil }

func newHangars(t *testing.T, n int) *hangars {
	t.Helper()
	hs := &hangars{}
	for i := range n {
		h := newHangar(t)
		machine := fmt.Sprintf("m%02d", i)
		h.cfg.Cluster = shared{&hs.board, machine}
		role := state.RoleStandby
		if i == 0 {
			role = state.RoleLeader
		}
		show := func() {
			s, err := state.Read(state.Path(h.cfg.RuntimeDir, "feedd"))
			if err != nil {
				t.Error(err)
			}
			content, err := os.ReadFile(h.stable)
			if err != nil {
				t.Error(err)
			}
			if s.Version == "" {
				s.Version, _, _ = strings.Cut(string(content), " ")
			}
			s.Cluster = &state.Cluster{Name: "feedd", Role: role, Since: noon}
			entry, err := json.Marshal(s)
			if err != nil {
				t.Error(err)
			}
			hs.board.Show(machine, entry)
		}
		show()
		h.m.on = func(verb string) { h.manage(verb); show() }
		hs.all = append(hs.all, h)
	}
	return hs
}

// run gives the same command on all machines at once, and returns how many ended with each
// code, and what they said.
func (hs *hangars) run(args ...string) (codes map[int]int, said []string) {
	codes, said = map[int]int{}, make([]string, len(hs.all))
	var all sync.WaitGroup
	var mu sync.Mutex
	for i, h := range hs.all {
		all.Go(func() {
			code, err := h.run(args...)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
			said[i] = fmt.Sprint(err, "\n", h.out.String(), h.errs.String())
		})
	}
	all.Wait()
	return codes, said
}

func (hs *hangars) installed() (all []string) {
	for _, h := range hs.all {
		all = append(all, h.installed())
	}
	return all
}

// inTurn returns the command for FILE, without waiting for settling.
func inTurn(file string, more ...string) []string {
	return append([]string{"upgrade", file, "--in-turn", "--settle", "0s", "--canary-settle", "0s"}, more...)
}

func TestUpgradeInTurn(t *testing.T) {
	hs := newHangars(t, 3)
	good := hs.all[0].program("new", "2 good")
	codes, said := hs.run(inTurn(good)...)
	if codes[0] != 3 || !slices.Equal(hs.installed(), []string{"2 good", "2 good", "2 good"}) {
		t.Errorf("%v, %v: %s", codes, hs.installed(), said)
	}
	if !strings.Contains(said[0], "- waits: ") || !strings.Contains(said[0], "- this machine is 2 (") || !strings.Contains(said[0], "feedd is 2 (") {
		t.Errorf("the leader says %s", said[0])
	}
	code, says := hs.all[1].call("fleet", "status", "--cluster")
	if code != 0 || !strings.Contains(says, "m00      ready  leader   ") || !strings.Contains(says, "confirmed") || !strings.Contains(says, "rollout of 2 (") {
		t.Errorf("%d: %s", code, says)
	}
	// Once more, by another one: nothing is left to do.
	if code, says := hs.all[2].call(inTurn(good)...); code != 0 || !strings.Contains(says, "feedd is 2 (") {
		t.Errorf("%d: %s", code, says)
	}
}

// Incident 3: twelve machines get a bad release at once. It stops after the first, and all are
// on the old version.
func TestIncident3_ABadReleaseInTurns(t *testing.T) {
	hs := newHangars(t, 12)
	bad := hs.all[0].program("new", "2 fails")
	codes, said := hs.run(inTurn(bad)...)
	tried := 0
	for i, h := range hs.all {
		if h.installed() != "1 good" {
			t.Errorf("machine %d has %s", i, h.installed())
		}
		if strings.Contains(said[i], "was rolled back: port 99999 is none") {
			tried++
		} else if !strings.Contains(said[i], "the rollout was stopped: 2 (") || !strings.Contains(said[i], "port 99999 is none") {
			t.Errorf("machine %d says %s", i, said[i])
		}
	}
	if codes[10] != 1 || codes[1] != 11 || tried != 1 {
		t.Errorf("%v, and %d tried it", codes, tried)
	}
	// The pin holds for all, with and without a turn, until somebody insists.
	for _, args := range [][]string{{"upgrade", bad, "--settle", "0s"}, inTurn(bad)} {
		for _, h := range hs.all[:2] {
			if code, says := h.call(args...); code != 1 || !strings.Contains(says, "use --force to try it again") {
				t.Errorf("%q: %d: %s", args, code, says)
			}
		}
	}
	if code, says := hs.all[3].call("upgrade", bad, "--settle", "0s", "--force"); code != 10 {
		t.Errorf("%d: %s", code, says)
	}
	code, says := hs.all[1].call("fleet", "status", "--cluster", "--json")
	var s struct {
		Cluster  string
		Machines []struct {
			Machine, Phase, Role, Version string
			Live, Ready                   bool
			Findings                      []struct{ ID string }
			Turn                          *struct{ State string }
		}
		Rollout struct{ Stopped bool }
		Pinned  []struct{ Version, Machine string }
	}
	if err := json.Unmarshal(hs.all[1].out.Bytes(), &s); err != nil || code != 0 {
		t.Fatalf("%d, %v: %s", code, err, says)
	}
	if s.Cluster != "feedd" || len(s.Machines) != 12 || s.Machines[0].Role != "leader" || s.Machines[5].Version != "1" || !s.Rollout.Stopped || len(s.Pinned) != 1 {
		t.Errorf("%+v", s)
	}
}

// A machine whose command has ended stays on the version that failed elsewhere, until it is
// told to go back.
func TestRollbackInTurn(t *testing.T) {
	hs := newHangars(t, 3)
	a, b := hs.all[1], hs.all[2]
	if code, says := a.call("rollback", "--in-turn"); code != 1 || !strings.Contains(says, "there was no rollout") {
		t.Errorf("%d: %s", code, says)
	}
	file := b.program("new", "2 good")
	if code, says := a.call(inTurn(file)...); code != 0 || a.installed() != "2 good" {
		t.Fatalf("%d: %s", code, says)
	}
	if code, says := a.call("rollback", "--in-turn"); code != 1 || !strings.Contains(says, "is not stopped") {
		t.Errorf("%d: %s", code, says)
	}
	answers := b.answers
	b.answers = func(argv []string) (string, error) { return answers(argv) }
	b.m.on = func(string) { // the same file fails there
		b.writes(feedd, platform.PhaseReady, func(s *state.State) { s.LastExit = &platform.Exit{Code: 1, Reason: "no licence"} })
	}
	if code, says := b.call(inTurn(file)...); code != 10 || b.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := a.call("rollback", "--in-turn", "--settle", "0s"); code != 0 || a.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := a.call("rollback", "--in-turn"); code != 1 || !strings.Contains(says, "has not upgraded this machine") {
		t.Errorf("%d: %s", code, says)
	}
}

// A machine that died in its turn completes it when the command is repeated, even though the
// conductor is gone; or it is released.
func TestATurnThatWasCutOff(t *testing.T) {
	hs := newHangars(t, 2)
	a := hs.all[1]
	file := a.program("new", "2 good")
	conducts := a.detach
	a.detach = func(argv []string) error { // it dies in the middle, and so does the command
		for _, arg := range argv {
			if id, ok := strings.CutPrefix(arg, "--conduct="); ok {
				a.leaves(id, other)
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := a.machine()
	m.Alive = func(proc.Identity) (bool, error) { cancel(); return true, nil }
	if err := a.runOn(ctx, m, inTurn(file)...); err == nil || !strings.Contains(err.Error(), "it continues without this command") {
		t.Fatal(err)
	}
	a.detach = conducts
	a.ends(other.PID)
	code, says := hs.all[0].call("fleet", "status", "--cluster")
	if code != 0 || !strings.Contains(says, "upgrading") {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := a.call(inTurn(file)...); code != 10 || !strings.Contains(says, "it was interrupted") { // which is the outcome of the first one
		t.Errorf("%d: %s", code, says)
	}
	if code, says := hs.all[0].call("fleet", "release", "m01"); code != 1 || !strings.Contains(says, "no rollout of \"feedd\" waits for it") {
		t.Errorf("%d: %s", code, says)
	}
	hs.board.Down("m01")
	if code, says := hs.all[0].call("fleet", "release", "m01"); code != 0 {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := hs.all[0].call("fleet", "forget", "m01"); code != 0 {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := hs.all[0].call("fleet", "forget", "m00"); code != 1 || !strings.Contains(says, "is live") {
		t.Errorf("%d: %s", code, says)
	}
}

func TestInTurnFlags(t *testing.T) {
	for args, says := range map[string]string{
		"--canaries 2":                  "--canaries has an effect with --in-turn only",
		"--in-turn --canaries 0":        "--canaries takes 1 or more",
		"--in-turn --max-unavailable 0": "--max-unavailable takes 1 or more",
		"--in-turn --canary-settle -1s": "take 0 or more",
	} {
		h := newHangar(t)
		if code, out := h.call(append([]string{"upgrade", h.program("new", "2 good")}, strings.Fields(args)...)...); code != 2 || !strings.Contains(out, says) {
			t.Errorf("%s: %d: %s", args, code, out)
		}
	}
	h := newHangar(t)
	for _, args := range [][]string{{"upgrade", h.program("new", "2 good"), "--in-turn"}, {"fleet", "status", "--cluster"}, {"fleet", "release", "m1"}} {
		if code, out := h.call(args...); code != 1 || !strings.Contains(out, "this program does not know other machines") {
			t.Errorf("%q: %d: %s", args, code, out)
		}
	}
}
