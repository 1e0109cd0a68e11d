//go:build unix

package cli_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A hangar is a place with an installed program, whose content is its version and behaviour,
// and a manager that starts what the record of the trial names.
type hangar struct {
	*place
	stable string
}

func newHangar(t *testing.T) *hangar {
	t.Helper()
	p := newPlace(t)
	h := &hangar{p, filepath.Join(p.dir, "bin", "feedd")}
	if err := os.Mkdir(filepath.Dir(h.stable), 0o755); err != nil {
		t.Fatal(err)
	}
	h.program("bin/feedd", "1 good")
	path, err := p.machine().Manifest(platform.ID{Name: "feedd"})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755) //nolint:gosec // as it is
	}
	if err == nil {
		h.put(path, state.Manifest{Format: 1, Name: "feedd", Scope: platform.ScopeUser, Manager: "fake", Program: h.stable})
	}
	if err != nil {
		t.Fatal(err)
	}
	p.m.st.Phase, p.m.st.PID = platform.PhaseReady, feedd.PID
	p.runs(feedd, "fake")
	p.writes(feedd, platform.PhaseReady, nil)
	p.m.on = h.manage
	p.answers = h.answer
	p.detach = func(argv []string) error {
		root := cli.CommandOn(p.machine(), p.cfg, p.prog)
		root.SetArgs(argv[1:])
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		_ = root.ExecuteContext(t.Context()) // the ledger says it
		return nil
	}
	return h
}

// key identifies the ledger and the lock of the program.
func (h *hangar) key() string {
	h.t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Dir(h.stable))
	if err != nil {
		h.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(filepath.Join(dir, "feedd")))
	return fmt.Sprintf("feedd-%x", sum[:4])
}

// shares adds another instance of the service with the same program.
func (h *hangar) shares(instance string) {
	h.t.Helper()
	path, err := h.machine().Manifest(platform.ID{Name: "feedd", Instance: instance})
	if err != nil {
		h.t.Fatal(err)
	}
	h.put(path, state.Manifest{Format: 1, Name: "feedd", Instance: instance, Scope: platform.ScopeUser, Manager: "fake", Program: h.stable})
}

func (h *hangar) program(name, content string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil { //nolint:gosec // a program
		h.t.Fatal(err)
	}
	return path
}

// manage starts the candidate once, or the confirmed version.
func (h *hangar) manage(verb string) {
	if verb != "restart" && verb != "start" {
		return
	}
	record, err := h.machine().TrialFile(platform.ID{Name: "feedd"})
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := trial.Read(record, true)
	if err != nil {
		h.writes(feedd, platform.PhaseReady, nil)
		return
	}
	content, err := os.ReadFile(r.Candidate)
	if err != nil {
		h.t.Fatal(err)
	}
	h.put(r.TriesFile, trial.Tries{Trial: r.ID, Count: 1})
	h.writes(feedd, platform.PhaseReady, func(s *state.State) {
		switch {
		case strings.Contains(string(content), "fails"):
			s.LastExit = &platform.Exit{Code: 1, Reason: "port 99999 is none"}
		case strings.Contains(string(content), "panics"): // and its manager has no words for it
			s.LastExit = &platform.Exit{Code: 2, Reason: "exit code"}
			h.m.logs = []string{"/bin/echo", "Nov 29 03:15:00 host feedd[1]: panic: an init of this version panics\nNov 29 03:15:00 host feedd[1]: \nNov 29 03:15:00 host feedd[1]: goroutine 1 [running]:"}
		case strings.Contains(string(content), "sick"):
			s.Trial, s.Examined, s.Health = r.ID, true, []state.Health{{Name: "upstream", Error: "no answer"}}
		default:
			s.Trial, s.Examined, s.Version = r.ID, !strings.Contains(string(content), "unexamined"), r.Version
		}
	})
}

// answer returns what programs say about themselves.
func (h *hangar) answer(argv []string) (string, error) {
	if !slices.Contains(argv, "version") && !slices.Contains(argv, "check") {
		return "", errors.New("no such command")
	}
	content, err := os.ReadFile(argv[0])
	if err != nil {
		return "", err
	}
	version, does, _ := strings.Cut(string(content), " ")
	switch {
	case slices.Contains(argv, "check") && does == "picky":
		return "feedd.toml:3: unknown key\n", errors.New("exit code 78")
	case slices.Contains(argv, "check"):
		return "", nil
	case does == "old":
		return "feedd 1\n", nil
	case does == "alien":
		return `{"name":"other","version":"1","trial":1}`, nil
	case does == "late":
		return `{"name":"feedd","version":"1","trial":2}`, nil
	}
	return fmt.Sprintf(`{"name":"feedd","version":%q,"trial":1}`, version), nil
}

// call runs a command and returns its exit code and its whole output.
func (h *hangar) call(args ...string) (code int, says string) {
	h.t.Helper()
	code, err := h.run(args...)
	return code, fmt.Sprint(err, "\n", h.out.String(), h.errs.String())
}

func (h *hangar) installed() string {
	h.t.Helper()
	content, err := os.ReadFile(h.stable)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(content)
}

// refuses makes the installed version refuse the current configuration.
func (h *hangar) refuses() { h.program("bin/feedd", "1 picky") }

func TestUpgradeOutcomes(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		flags   string
		change  func(*hangar)
		code    int
		says    string
		stable  string
	}{
		"confirmed":      {content: "2 good", says: "feedd is 2 ("},
		"the same":       {content: "1 good", says: "already", stable: "1 good"},
		"it fails":       {content: "2 fails", code: 10, says: `upgrade "feedd": 2 (`, stable: "1 good"},
		"and says why":   {content: "2 fails", code: 10, says: `was rolled back: port 99999 is none, exit code 1; 1 (`, stable: "1 good"},
		"and prints why": {content: "2 panics", code: 10, says: "was rolled back: panic: an init of this version panics; 1 (", stable: "1 good"},
		"no way back":    {content: "2 good", change: (*hangar).refuses, code: 1, says: "a rollback would be impossible: the installed version rejects the current configuration: bad configuration: feedd.toml:3: unknown key: use --force to continue anyway", stable: "1 picky"},
		"all the same":   {content: "2 good", flags: "--force", change: (*hangar).refuses, says: "a rollback was impossible: the installed version rejects the current configuration: bad configuration: feedd.toml:3: unknown key"},
		"nothing to try": {content: "2 good", change: func(h *hangar) {
			h.refuses()
			h.ends(feedd.PID)
			h.m.st.Phase, h.m.st.PID = platform.PhaseStopped, 0
		}, says: "the service was stopped and stays stopped"},
		"it is sick":     {content: "2 sick", flags: "--timeout 300ms", code: 10, says: "it was not healthy for long enough: took too long: upstream: no answer; 1 (", stable: "1 good"},
		"unexamined":     {content: "2 unexamined", flags: "--timeout 300ms", code: 10, says: "it was not healthy for long enough: took too long: its health checks have not answered; 1 (", stable: "1 good"},
		"restarted":      {content: "2 good", flags: "--restart --tries 3", says: "feedd is 2 ("},
		"no tries":       {content: "2 good", flags: "--tries 0", code: 2, says: "--tries takes 1 to 100", stable: "1 good"},
		"no settling":    {content: "2 good", flags: "--settle -1s", code: 2, says: "--settle takes 0 or more", stable: "1 good"},
		"picky":          {content: "2 picky", code: 1, says: "it rejects the current configuration: bad configuration: feedd.toml:3: unknown key", stable: "1 good"},
		"old":            {content: "2 old", code: 1, says: "without upgrades", stable: "1 good"},
		"alien":          {content: "2 alien", code: 1, says: `it is "other", and not "feedd"`, stable: "1 good"},
		"late":           {content: "2 late", code: 1, says: "its trials have format 2, but this program", stable: "1 good"},
		"another digest": {content: "2 good", flags: "--sha256 00", code: 1, says: "its SHA-256 is", stable: "1 good"},
		"stopped": {content: "2 good", change: func(h *hangar) {
			h.ends(feedd.PID)
			h.m.st.Phase, h.m.st.PID = platform.PhaseStopped, 0
		}, says: "the service was stopped and stays stopped"},
		"absent": {content: "2 good", change: func(h *hangar) {
			if err := os.Remove(filepath.Join(h.dir, "new")); err != nil {
				h.t.Fatal(err)
			}
		}, code: 1, says: "no such file", stable: "1 good"},
		"not installed": {content: "2 good", change: func(h *hangar) { h.m.st.Installed = false }, code: 1, says: "not installed", stable: "1 good"},
		"no manager":    {content: "2 good", change: func(h *hangar) { h.m = nil }, code: 1, says: "no supported service manager", stable: "1 good"},
		"no record": {content: "2 good", change: func(h *hangar) {
			if err := os.RemoveAll(filepath.Join(h.dir, "holdfast")); err != nil {
				h.t.Fatal(err)
			}
		}, code: 1, says: "there is no record of its installation: feedd install creates one", stable: "1 good"},
		"an open place": {content: "2 good", change: func(h *hangar) {
			if err := os.Chmod(filepath.Dir(h.stable), 0o777); err != nil { //nolint:gosec // on purpose
				h.t.Fatal(err)
			}
		}, code: 78, says: "others can write to", stable: "1 good"},
		"a package's": {content: "2 good", change: func(h *hangar) {
			h.answers = func(argv []string) (string, error) {
				if argv[0] == "dpkg-query" {
					return "feedd: " + argv[len(argv)-1] + "\n", nil
				}
				return "", errors.New("no such command")
			}
		}, code: 77, says: "belongs to the package feedd of dpkg", stable: "1 good"},
		"another one is under way": {content: "2 good", change: func(h *hangar) {
			h.held[h.key()+".upgrade"] = singleton.Holder{Identity: other, Since: noon, Origin: "u0"}
		}, code: 75, says: "another one is under way: by ", stable: "1 good"},
		"it cannot begin": {content: "2 good", change: func(h *hangar) {
			h.detach = func([]string) error { return errors.New("no more processes") }
		}, code: 1, says: "start the process that performs it: no more processes", stable: "1 good"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHangar(t)
			file := h.program("new", tt.content)
			if tt.change != nil {
				tt.change(h)
			}
			code, says := h.call(append([]string{"upgrade", file, "--settle", "0s"}, strings.Fields(tt.flags)...)...)
			if code != tt.code || !strings.Contains(says, tt.says) {
				t.Errorf("%d, want %d and %q:\n%s", code, tt.code, tt.says, says)
			}
			want := tt.stable
			if want == "" {
				want = tt.content
			}
			if got := h.installed(); got != want {
				t.Errorf("installed is %q, want %q", got, want)
			}
		})
	}
}

// A user cannot upgrade a system service.
func TestUpgradeIsNotPermitted(t *testing.T) {
	h := newHangar(t)
	h.cfg.Scope = platform.ScopeSystem
	if code, says := h.call("upgrade", h.program("new", "2 good")); code != 77 || !strings.Contains(says, "become root") {
		t.Errorf("%d: %s", code, says)
	}
}

// This tests how a package of each package manager is recognised, and which command upgrades
// it.
func TestUpgradeOfAPackage(t *testing.T) {
	for name, tt := range map[string]struct {
		program, out string
		says         string
	}{
		"dpkg":               {"dpkg-query", "feedd: PATH", "upgrade the package (apt-get install --only-upgrade feedd)"},
		"a diversion":        {"dpkg-query", "diversion by dash from: PATH\ndiversion by dash to: PATH.distrib", ""},
		"a local diversion":  {"dpkg-query", "local diversion from: PATH", ""},
		"eine Umleitung":     {"dpkg-query", "Umleitung von dash von: PATH", ""},
		"diverted, and had":  {"dpkg-query", "diversion by dash from: PATH\nfeedd-server: PATH", "(apt-get install --only-upgrade feedd-server)"},
		"of several":         {"dpkg-query", "feedd, feedd-extra: PATH", "(apt-get install --only-upgrade feedd)"},
		"of an architecture": {"dpkg-query", "feedd:amd64: PATH", "(apt-get install --only-upgrade feedd:amd64)"},
		"of another path":    {"dpkg-query", "feedd: PATH.conf", ""},
		"rpm":                {"rpm", "feedd", "upgrade the package (dnf upgrade feedd)"},
		"apk":                {"apk", "PATH is owned by feed-d-1.2.3-r0", "upgrade the package (apk upgrade feed-d)"},
		"nobody":             {"apk", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHangar(t)
			file := h.program("new", "1 good")
			h.answers = func(argv []string) (string, error) {
				if argv[0] == tt.program {
					return strings.ReplaceAll(tt.out, "PATH", argv[len(argv)-1]) + "\n", nil
				}
				return h.answer(argv)
			}
			code, says := h.call("upgrade", file)
			if (code == 77) != (tt.says != "") || !strings.Contains(says, tt.says) {
				t.Errorf("%d: %s", code, says)
			}
		})
	}
}

// A rollback is an upgrade like any other, and versions lists all of them.
func TestRollbackAndVersions(t *testing.T) {
	h := newHangar(t)
	if code, says := h.call("rollback"); code != 1 || !strings.Contains(says, "there is no previous version") {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s", "--json"); code != 0 {
		t.Errorf("%d: %s", code, says)
	}
	j := h.json()
	if j["service"] != "feedd" || j["result"] != "confirmed" || fmt.Sprint(j["tried"], j["up"]) != "true true" || j["by"] == "" || j["to"].(map[string]any)["version"] != "2" {
		t.Errorf("%v", j)
	}
	if code, _ := h.call("upgrade", h.program("new", "3 fails"), "--settle", "0s", "--json"); code != 10 || h.json()["result"] != "rolled-back" {
		t.Errorf("%d: %s", code, h.out.String())
	}
	if code, says := h.call("versions"); code != 0 || !strings.Contains(says, " confirmed  2 (") || !strings.Contains(says, "  previous  1 (") || !strings.Contains(says, "    failed  3 (") {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := h.call("rollback", "--settle", "0s"); code != 0 || h.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
	h.program("bin/feedd", "by hand")
	if code, says := h.call("versions", "--json"); code != 0 || h.json()["confirmed"].(map[string]any)["path"] != h.stable || h.json()["on_trial"] != nil || strings.Contains(says, `"confirmed": {
    "version"`) {
		t.Errorf("%d: %s", code, says)
	}
}

// leaves makes the ledger report an upgrade in progress.
func (h *hangar) leaves(id string, conductor proc.Identity) {
	h.t.Helper()
	dir := filepath.Join(h.dir, "holdfast", "upgrades")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as it is
		h.t.Fatal(err)
	}
	text, err := json.Marshal(upgrade.Ledger{Format: 1, Last: &upgrade.Attempt{
		ID: id, Service: "feedd", By: "ada", Since: noon, Step: "trial", Conductor: conductor, To: upgrade.Version{Version: "2", SHA256: strings.Repeat("ab", 32)},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.put(filepath.Join(dir, h.key()+".json"), string(text))
}

// An upgrade in progress is reported with who began it, and when.
func TestUpgradeUnderWay(t *testing.T) {
	h := newHangar(t)
	h.held[h.key()+".upgrade"] = singleton.Holder{Identity: other, Since: noon.Add(time.Hour), Origin: "u0"}
	h.leaves("u0", other)
	code, says := h.call("upgrade", h.program("new", "2 good"))
	if code != 75 || !strings.Contains(says, "by ada, since "+noon.Local().Format(time.DateTime)) {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := h.call("versions"); code != 0 || !strings.Contains(says, "on trial  2 (abababab), by ada, since") {
		t.Errorf("%d: %s", code, says)
	}
}

// The next call recovers an upgrade whose conductor was killed.
func TestUpgradeWithoutConductor(t *testing.T) {
	h := newHangar(t)
	h.leaves("u0", other)
	if code, says := h.call("versions", "--json"); code != 0 || !strings.Contains(says, `"result": "interrupted"`) || h.json()["on_trial"] != nil {
		t.Errorf("%d: %s", code, says)
	}
	// The command that requested it and waits does the same.
	h.detach = func(argv []string) error {
		for _, arg := range argv {
			if id, ok := strings.CutPrefix(arg, "--conduct="); ok {
				h.leaves(id, other)
				h.ends(other.PID)
			}
		}
		return nil
	}
	code, says := h.call("upgrade", h.program("new", "2 good"))
	if code != 10 || !strings.Contains(says, "it was interrupted") || h.installed() != "1 good" {
		t.Errorf("%d: %s", code, says)
	}
}

// Files of upgrades are removed with the service, unless another instance has the same
// program.
func TestUninstallRemovesVersions(t *testing.T) {
	for _, other := range []bool{false, true} {
		h := newHangar(t)
		h.put(filepath.Join(h.dir, "feedd.toml"), "[service]\n")
		if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s", "--config", filepath.Join(h.dir, "feedd.toml")); code != 0 {
			t.Fatalf("%d: %s", code, says)
		}
		upgrades := filepath.Join(h.dir, "holdfast", "upgrades")
		if left, _ := os.ReadDir(upgrades); len(left) != 2 {
			t.Errorf("there are %v", left)
		}
		if other {
			h.shares("b")
		}
		h.answers = nil
		if code, says := h.call("uninstall"); code != 0 {
			t.Fatalf("%d: %s", code, says)
		}
		left, _ := os.ReadDir(upgrades)
		_, err := os.Lstat(h.stable + ".versions")
		if len(left) > 0 != other || (err == nil) != other || h.installed() != "2 good" {
			t.Errorf("other instance %v: left %v, versions %v", other, left, err)
		}
	}
}

// The command does not return while its conductor, about to end, would still make the next
// upgrade fail.
func TestIssue11_AnUpgradeCanFollowAtOnce(t *testing.T) {
	h := newHangar(t)
	conducts := h.detach
	last := proc.Identity{PID: 4711, Start: 1, Boot: "b"}
	h.detach = func(argv []string) error {
		err := conducts(argv)
		for _, arg := range argv {
			if id, ok := strings.CutPrefix(arg, "--conduct="); ok {
				h.held[h.key()+".upgrade"] = singleton.Holder{Identity: last, Origin: id}
				time.AfterFunc(200*time.Millisecond, func() { h.ends(last.PID) })
			}
		}
		return err
	}
	if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s"); code != 0 || !h.isGone(last.PID) {
		t.Errorf("%d, gone %v: %s", code, h.isGone(last.PID), says)
	}
}

// The conductor has the lock before its record is written. A command whose conductor was slow to do so took it
// for another one, and said so with exit code 75, while the upgrade went on.
func TestAConductorThatIsNotIdentifiedYetIsNoOther(t *testing.T) {
	h := newHangar(t)
	conducts, looked := h.detach, 0
	var slow []string
	h.detach = func(argv []string) error {
		slow, looked = argv, len(h.probed)
		h.held[h.key()+".upgrade"] = singleton.Holder{}
		return nil
	}
	h.now = func() time.Time { // asked after a look at the lock
		if argv := slow; argv != nil && len(h.probed) > looked {
			slow = nil
			delete(h.held, h.key()+".upgrade")
			_ = conducts(argv)
		}
		return noon
	}
	if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s"); code != 0 || h.installed() != "2 good" {
		t.Errorf("%d: %s", code, says)
	}
}

// status says that the running version is not confirmed.
func TestStatusOfATrial(t *testing.T) {
	h := newHangar(t)
	h.writes(feedd, platform.PhaseReady, func(s *state.State) { s.Trial = "u0" })
	code, says := h.call("status", "--json")
	if code != 0 || h.json()["trial"] != "u0" || !strings.Contains(says, "is on trial, not confirmed") {
		t.Errorf("%d: %s", code, says)
	}
}

// After an upgrade has reported success, status does not contradict it, although the process
// learns of the confirmation a moment later.
func TestStatusOfATrialThatIsConfirmed(t *testing.T) {
	h := newHangar(t)
	if code, says := h.call("upgrade", h.program("new", "2 good"), "--settle", "0s", "--json"); code != 0 {
		t.Fatalf("%d: %s", code, says)
	}
	id, _ := h.json()["id"].(string)
	h.writes(feedd, platform.PhaseReady, func(s *state.State) { s.Trial = id })
	code, says := h.call("status", "--json")
	if got, there := h.json()["trial"]; id == "" || code != 0 || there || strings.Contains(says, "on trial") {
		t.Errorf("%q, %v: %d: %s", id, got, code, says)
	}
}

// `upgrade` says of such a link that something else switches versions. For `versions` it is no
// damage, and `versions` never advises to remove the installed program.
func TestVersionsOfAProgramBehindALink(t *testing.T) {
	h := newHangar(t)
	stable := h.stable
	if err := errors.Join(os.Rename(stable, stable+".real"), os.Symlink(stable+".real", stable)); err != nil {
		t.Fatal(err)
	}
	code, says := h.call("versions", "--json")
	confirmed, _ := h.json()["confirmed"].(map[string]any)
	if code != 0 || h.json()["program"] != stable || confirmed["path"] != stable || len(fmt.Sprint(confirmed["sha256"])) != 64 {
		t.Errorf("%d: %s", code, says)
	}
}

// The plain output, which older programs print too, has not changed; the JSON is for upgrades.
func TestVersionJSON(t *testing.T) {
	h := newHangar(t)
	h.cfg.Version = "1.2"
	if code, says := h.call("version", "--json"); code != 0 || h.json()["name"] != "feedd" || h.json()["version"] != "1.2" || h.json()["trial"] != float64(trial.Format) {
		t.Errorf("%d: %s", code, says)
	}
	if code, says := h.call("version"); code != 0 || !strings.HasPrefix(h.out.String(), "feedd 1.2\nholdfast ") {
		t.Errorf("%d: %s", code, says)
	}
}

// The service's user has written why a candidate was not executed. This text moves no cursor
// of root's, and starts no line.
func TestIssue9_TheReasonOfATrialForgesNoVersion(t *testing.T) {
	h := newHangar(t)
	h.leaves("u0", other)
	path := filepath.Join(h.dir, "holdfast", "upgrades", h.key()+".json")
	text, err := json.Marshal(upgrade.Ledger{Format: 1, Failed: []upgrade.Failure{{Version: upgrade.Version{Version: "2", SHA256: strings.Repeat("ab", 32)}, Reason: "\x1b[2Jforged\n confirmed  3"}}})
	if err != nil {
		t.Fatal(err)
	}
	h.put(path, string(text))
	if code, says := h.call("versions"); code != 0 || !strings.Contains(says, "forged") || strings.Contains(says, "\x1b") || strings.Contains(says, "\n confirmed  3") {
		t.Errorf("%d: %q", code, says)
	}
}
