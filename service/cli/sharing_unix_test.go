//go:build unix

package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Services that share a program share the record of its versions. One of them tries a version,
// and those that still run the old one are named.
func TestIssue11_ServicesOfOneProgramHaveOneLedger(t *testing.T) {
	h := newHangar(t)
	h.shares("b")
	h.held["feedd@b"] = singleton.Holder{Identity: other, Since: noon}
	code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s")
	if code != 0 || !strings.Contains(says, "- feedd@b shares the program with it, and runs the previous version until it is restarted") {
		t.Errorf("%d: %s", code, says)
	}
	for _, instance := range []string{"", "b"} {
		if code, says := h.call("versions", "--json", "--instance", instance); code != 0 || h.json()["confirmed"].(map[string]any)["version"] != "2" {
			t.Errorf("%q: %d: %s", instance, code, says)
		}
	}
	if last := h.json()["last"].(map[string]any); last["service"] != "feedd" || len(last["others"].([]any)) != 1 {
		t.Errorf("%v", last)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "holdfast", "upgrades", "*.json")); len(left) != 1 {
		t.Errorf("ledgers: %q", left)
	}
	// Only one of them at a time can upgrade it.
	h.held[h.key()+".upgrade"] = singleton.Holder{Identity: other, Since: noon, Origin: "u0"}
	if code, says := h.call("upgrade", "--instance", "b", h.program("new", "3 good")); code != 75 || !strings.Contains(says, "another one is under way") {
		t.Errorf("%d: %s", code, says)
	}
}

// A program reached through a linked directory is still the same program.
func TestIssue11_ALinkedDirectoryIsNoSecondProgram(t *testing.T) {
	h := newHangar(t)
	if err := os.Symlink("bin", filepath.Join(h.dir, "sbin")); err != nil {
		t.Fatal(err)
	}
	path, err := h.machine().Manifest(platform.ID{Name: "feedd", Instance: "b"})
	if err != nil {
		t.Fatal(err)
	}
	h.put(path, state.Manifest{Format: 1, Name: "feedd", Instance: "b", Scope: platform.ScopeUser, Manager: "fake", Program: filepath.Join(h.dir, "sbin", "feedd")})
	h.held["feedd@b"] = singleton.Holder{Identity: other, Since: noon}
	if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s"); code != 0 || !strings.Contains(says, "feedd@b shares the program") {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := h.call("versions", "--instance", "b"); code != 0 || !strings.Contains(says, "confirmed  2 (") || !strings.Contains(says, "previous  1 (") {
		t.Errorf("%d: %s", code, says)
	}
}

// A candidate that refuses the configuration of another instance is not accepted.
func TestIssue11_TheConfigurationsOfAllInstancesAreChecked(t *testing.T) {
	h := newHangar(t)
	h.shares("b")
	h.answers = func(argv []string) (string, error) {
		if argv[0] != h.stable && strings.Contains(strings.Join(argv, " "), "check --instance b") {
			return "feedd-b.toml:3: unknown key\n", errors.New("exit code 78")
		}
		return h.answer(argv)
	}
	code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s")
	if code != 1 || !strings.Contains(says, "it rejects the current configuration: that of feedd@b") || !strings.Contains(says, "feedd-b.toml:3: unknown key") || h.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
}

// A user service does not upgrade a program that a system service runs, too.
func TestIssue11_AProgramOfTheSystemIsNotAUsers(t *testing.T) {
	h := newHangar(t)
	path, err := h.machine().Manifest(platform.ID{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	h.put(path, state.Manifest{Format: 1, Name: "other", Scope: platform.ScopeSystem, Manager: "fake", Program: h.stable})
	code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s")
	if code != 77 || !strings.Contains(says, "also belongs to a system service (other)") || h.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
}

// An upgrade that was interrupted through another instance is recovered through that instance
// or, if that no longer exists, through any.
func TestIssue11_AnUpgradeThatWasCutOffElsewhere(t *testing.T) {
	h := newHangar(t)
	h.shares("b")
	h.leaves("u0", other) // by way of feedd, see there
	for _, args := range [][]string{{"versions"}, {"upgrade", h.program("new", "2 good")}, {"rollback"}} {
		code, says := h.call(append(args, "--instance", "b")...)
		if code != 1 || !strings.Contains(says, `through "feedd" was interrupted: feedd versions repairs it`) {
			t.Errorf("%q: %d: %s", args, code, says)
		}
	}
	path, err := h.machine().Manifest(platform.ID{Name: "feedd"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if code, says := h.call("versions", "--json", "--instance", "b"); code != 0 || !strings.Contains(says, `"result": "interrupted"`) {
		t.Errorf("%d: %s", code, says)
	}
}

// A command that recovers an interrupted upgrade waits for its turn, and says who has it.
func TestIssue11_VersionsWaitsForItsTurn(t *testing.T) {
	h := newHangar(t)
	h.leaves("u0", other)
	path, err := h.machine().Manifest(platform.ID{Name: "feedd"})
	if err != nil {
		t.Fatal(err)
	}
	release, err := installer.Lock(context.Background(), state.LockPath(path), "install", nil)
	if err != nil {
		t.Fatal(err)
	}
	code, says := h.call("versions", "--timeout", "50ms")
	if code != 1 || !strings.Contains(says, `versions "feedd": an install or uninstall is under way (install, pid `) || strings.Contains(says, `versions "feedd": versions`) {
		t.Errorf("%d: %s", code, says)
	}
	release()
	if code, says := h.call("versions"); code != 0 || !strings.Contains(says, "confirmed") || len(h.held) != 1 { // the service's own
		t.Errorf("%d: %s; held %v", code, says, h.held)
	}
}

// The ledger of a newer holdfast is left alone, and this is reported at once.
func TestIssue11_ANewerLedgerIsLeftAlone(t *testing.T) {
	h := newHangar(t)
	path := filepath.Join(h.dir, "holdfast", "upgrades", h.key()+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as it is
		t.Fatal(err)
	}
	const newer = `{"format": 2}`
	h.put(path, newer)
	h.detach = func([]string) error { t.Error("it was begun"); return nil }
	for _, args := range [][]string{{"versions"}, {"versions", "--json"}, {"upgrade", h.program("new", "2 good")}, {"rollback"}} {
		code, says := h.call(args...)
		content, err := os.ReadFile(path)
		if code != 1 || !strings.Contains(says, "its format is 2, and this program knows 1: use the newer program") || err != nil || string(content) != newer {
			t.Errorf("%q: %d: %s; %q, %v", args, code, says, content, err)
		}
	}
	if code, says := h.call("status"); code != 0 { // which has nothing to do with it
		t.Errorf("%d: %s", code, says)
	}
}
