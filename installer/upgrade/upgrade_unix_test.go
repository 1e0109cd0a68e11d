//go:build unix

package upgrade_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// A world is a simulated machine. The content of a program determines what it does, a manager
// starts the stable path, and time passes only during Sleep.
type world struct {
	t      *testing.T
	dir    string
	stable string
	now    time.Time

	runs    string // content of the running program; empty: nothing runs
	onTrial string // id of its trial
	since   time.Time
	failed  bool
	why     string
	started int
	tried   int   // of its trial
	refuses error // the manager's error for a restart
	asked   []string
	cut     func(step string) error
	n       int
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, content string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: noon}
	if err := os.Chmod(w.dir, 0o755); err != nil { //nolint:gosec // as a directory of programs is
		t.Fatal(err)
	}
	w.stable = filepath.Join(w.dir, "feedd")
	w.put("feedd", content)
	_ = w.start(t.Context()) // some are broken
	w.asked = nil
	return w
}

func (w *world) put(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil { //nolint:gosec // a program
		w.t.Fatal(err)
	}
	return path
}

func (w *world) content(path string) string {
	w.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *world) record() string { return filepath.Join(w.dir, "run", "feedd.trial.json") }
func (w *world) tries() string  { return filepath.Join(w.dir, "tries.json") }
func (w *world) ledger() string { return filepath.Join(w.dir, "records", "feedd.upgrade.json") }

// start does what a manager and `run` do. The process tests of package trial show that.
func (w *world) start(context.Context) error {
	w.asked = append(w.asked, "start")
	w.started++
	w.failed, w.onTrial, w.since = false, "", w.now
	w.runs = w.content(w.stable)
	r, err := trial.Read(w.record(), true)
	if err != nil || r.Current("feedd", "b", w.now.Sub(noon)) != nil || r.Stable != w.stable {
		return w.came(nil)
	}
	counted, err := trial.ReadTries(w.tries(), r.ID)
	if err != nil || counted.Count >= r.Tries {
		return w.came(nil)
	}
	counted.Count++
	text, err := json.Marshal(counted)
	if err == nil {
		err = os.WriteFile(w.tries(), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if got := digest(w.content(r.Candidate)); got != r.SHA256 {
		w.t.Errorf("the candidate is %s, and the record says %s", got, r.SHA256)
	}
	w.runs, w.onTrial, w.tried = w.content(r.Candidate), r.ID, counted.Count
	if strings.Contains(w.runs, "fails") || strings.Contains(w.runs, "once") && w.tried > 1 { // the stable version runs instead
		w.why = "port 99999 is none"
		w.runs, w.onTrial = w.content(w.stable), ""
	}
	return w.came(nil)
}

// came returns err, the result of a start, but always a failure if the running program is
// broken.
func (w *world) came(err error) error {
	if strings.Contains(w.runs, "broken") {
		w.runs, w.onTrial, w.failed, w.why = "", "", true, "it is broken"
		return errors.New("it is broken")
	}
	return err
}

func (w *world) restart(ctx context.Context) error {
	w.asked = append(w.asked, "restart")
	if w.refuses != nil {
		return w.refuses
	}
	err := w.start(ctx)
	w.asked = w.asked[:len(w.asked)-1]
	return err
}

func (w *world) status(context.Context, string, string) upgrade.Status {
	l := upgrade.Status{Running: w.runs != "", Failed: w.failed, OnTrial: w.onTrial != "", Why: w.why, Healthy: true, Ready: w.runs != "", ReadyAt: w.since.Add(40 * time.Millisecond)}
	switch age := w.now.Sub(w.since); {
	case w.onTrial == "":
	case (strings.Contains(w.runs, "dies") || strings.Contains(w.runs, "flaky") && w.tried == 1) && age >= time.Second: // the manager starts it again
		w.why = "killed by SIGSEGV"
		_ = w.start(context.Background())
		w.asked = w.asked[:len(w.asked)-1]
		return upgrade.Status{Running: true}
	case strings.Contains(w.runs, "hangs"):
		l.Ready, l.ReadyAt, l.Why = false, time.Time{}, ""
	case strings.Contains(w.runs, "sick"):
		l.Healthy, l.Why = false, "upstream: no answer"
	case strings.Contains(w.runs, "recovers") && age < 5*time.Second:
		l.Healthy, l.Why = false, "upstream: no answer yet"
	case strings.Contains(w.runs, "gone") && age >= time.Second: // and its manager does nothing
		w.runs, w.onTrial, w.failed, w.why = "", "", true, "killed by SIGKILL"
		return upgrade.Status{Failed: true, Why: w.why}
	}
	return l
}

func (w *world) machine() upgrade.Machine {
	return upgrade.Machine{
		Status: w.status, Start: w.start, Restart: w.restart,
		Version: func(_ context.Context, program string) (string, error) {
			text := w.content(program)
			if strings.Contains(text, "mute") {
				return "", errors.New("exit code 2")
			}
			return strings.Fields(text)[0], nil
		},
		Check: func(_ context.Context, program string) error {
			if strings.Contains(w.content(program), "picky") {
				return errors.New("feedd.toml:3: unknown key")
			}
			return nil
		},
		Boots:    func() []string { return []string{"b"} },
		Boottime: func() (time.Duration, error) { return w.now.Sub(noon), nil },
		Now:      func() time.Time { return w.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.now = w.now.Add(d)
			if deadline, ok := ctx.Deadline(); ok && w.asleep(deadline) {
				return errors.New("took too long")
			}
			return context.Cause(ctx)
		},
		Before: func(step string) error {
			w.n++
			if w.cut != nil {
				return w.cut(step)
			}
			return nil
		},
	}
}

// asleep reports whether a limit of the engine has passed by the world's clock.
func (w *world) asleep(time.Time) bool { return w.now.Sub(w.since) > 90*time.Second }

func (w *world) engine(id, source string) *upgrade.Engine {
	return &upgrade.Engine{Machine: w.machine(), Options: upgrade.Options{
		ID: id, Service: "feedd", Own: true, By: "ada", Stable: w.stable, Source: source, Ledger: w.ledger(), Record: w.record(),
		TriesFile: w.tries(), Settle: 10 * time.Second, Timeout: time.Minute, Restore: time.Minute,
	}}
}

// upgrade runs an upgrade and checks its result.
func (w *world) upgrade(content string, want upgrade.Result, change func(*upgrade.Engine)) upgrade.Attempt {
	w.t.Helper()
	w.asked = nil
	e := w.engine(fmt.Sprint("u", w.n), "")
	if content != "" {
		e.Source = w.put("download", content)
	}
	if change != nil {
		change(e)
	}
	got, err := e.Run(w.t.Context())
	if err != nil || got.Result != want {
		w.t.Errorf("%q: %q, %q, %v; want %q", content, got.Result, got.Reason, err, want)
	}
	l, err := upgrade.ReadLedger(w.ledger())
	if err != nil || l.Last == nil || l.Last.Result != got.Result || l.Last.ID != e.ID {
		w.t.Errorf("%q: the ledger says %+v, %v", content, l.Last, err)
	}
	w.tidy()
	return got
}

// tidy checks that nothing is left of a trial, and nothing unfinished.
func (w *world) tidy() {
	w.t.Helper()
	if _, err := os.Lstat(w.record()); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("a record is left: %v", err)
	}
	for _, pattern := range []string{".feedd.new", "feedd.versions/.new-*"} {
		if left, _ := filepath.Glob(filepath.Join(w.dir, pattern)); len(left) > 0 {
			w.t.Errorf("left: %q", left)
		}
	}
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// wants checks what is confirmed, what runs, and what the ledger knows.
func (w *world) wants(stable, runs string, kept, failed []string) {
	w.t.Helper()
	if got := w.content(w.stable); got != stable {
		w.t.Errorf("the stable path is %q, want %q", got, stable)
	}
	if w.runs != runs || w.onTrial != "" && runs != stable {
		w.t.Errorf("%q runs, trial %q; want %q", w.runs, w.onTrial, runs)
	}
	l, err := upgrade.ReadLedger(w.ledger())
	if err != nil {
		w.t.Fatal(err)
	}
	var gotKept, gotFailed []string
	for _, v := range l.Kept {
		gotKept = append(gotKept, w.content(v.Path))
	}
	for _, f := range l.Failed {
		gotFailed = append(gotFailed, f.Version.Version+": "+f.Reason)
	}
	if !slices.Equal(gotKept, kept) || !slices.Equal(gotFailed, failed) {
		w.t.Errorf("kept %q, want %q; failed %q, want %q", gotKept, kept, gotFailed, failed)
	}
}

func TestConfirmed(t *testing.T) {
	w := newWorld(t, "v1")
	got := w.upgrade("v2", upgrade.Confirmed, nil)
	w.wants("v2", "v2", []string{"v1"}, nil)
	if !got.Tried || !got.Up || got.Downtime != 40*time.Millisecond || got.From.Version != "v1" || got.To.Version != "v2" || w.now.Sub(noon) < 10*time.Second {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(w.asked, []string{"restart"}) {
		t.Errorf("asked for %q", w.asked)
	}
	for _, path := range []string{w.stable, got.To.Path, filepath.Dir(got.To.Path), upgrade.VersionsDir(w.stable)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	w.upgrade("v2", upgrade.Unchanged, nil)
	if w.content(got.To.Path) != "v2" { // the running program was executed from there
		t.Error("the confirmed version has lost its place among the versions")
	}
	w.upgrade("v3", upgrade.Confirmed, nil)
	w.wants("v3", "v3", []string{"v2", "v1"}, nil)

	// back, and forth again
	w.upgrade("", upgrade.Confirmed, nil)
	w.wants("v2", "v2", []string{"v3", "v1"}, nil)
	w.upgrade("", upgrade.Confirmed, nil)
	w.wants("v3", "v3", []string{"v2", "v1"}, nil)

	for _, v := range []string{"v4", "v5", "v6"} {
		w.upgrade(v, upgrade.Confirmed, nil)
	}
	w.wants("v6", "v6", []string{"v5", "v4", "v3"}, nil)
	if dirs, err := os.ReadDir(upgrade.VersionsDir(w.stable)); err != nil || len(dirs) != 4 {
		t.Errorf("%d versions lie there, %v", len(dirs), err)
	}
}

func TestRolledBack(t *testing.T) {
	for candidate, tt := range map[string]struct {
		reason string
		asked  []string
	}{
		"v2 fails": {"port 99999 is none", []string{"restart"}},
		"v2 dies":  {"killed by SIGSEGV", []string{"restart"}},
		"v2 gone":  {"killed by SIGKILL", []string{"restart", "start"}},
		"v2 hangs": {"it was not ready: took too long", []string{"restart", "restart"}},
		"v2 sick":  {"it was not healthy for long enough: took too long: upstream: no answer", []string{"restart", "restart"}},
	} {
		t.Run(candidate, func(t *testing.T) {
			w := newWorld(t, "v1")
			got := w.upgrade(candidate, upgrade.RolledBack, nil)
			if got.Reason != tt.reason || !got.Up || !got.Tried || !slices.Equal(w.asked, tt.asked) {
				t.Errorf("%+v, asked for %q", got, w.asked)
			}
			w.wants("v1", "v1", nil, []string{"v2: " + tt.reason})
			if dirs, _ := os.ReadDir(upgrade.VersionsDir(w.stable)); len(dirs) > 0 {
				t.Errorf("left: %v", dirs)
			}
			// It is refused unless the user insists. A repaired program is another version.
			if got := w.upgrade(candidate, upgrade.Refused, nil); !strings.Contains(got.Reason, "use --force") || got.To.Version != "v2" || len(w.asked) > 0 {
				t.Errorf("%+v, asked for %q", got, w.asked)
			}
			w.upgrade(candidate, upgrade.RolledBack, func(e *upgrade.Engine) { e.Force = true })
			w.upgrade("v2 mended", upgrade.Confirmed, nil)
			w.wants("v2 mended", "v2 mended", []string{"v1"}, []string{"v2: " + tt.reason})
		})
	}
}

// A version that failed once and is confirmed later no longer counts as failed.
func TestForgiven(t *testing.T) {
	w := newWorld(t, "v1")
	w.refuses = nil
	w.upgrade("v2 sick", upgrade.RolledBack, nil)
	w.upgrade("v2 sick", upgrade.RolledBack, func(e *upgrade.Engine) { e.Force = true })
	w.upgrade("v2 recovers", upgrade.Confirmed, nil)
	if l, _ := upgrade.ReadLedger(w.ledger()); len(l.Failed) != 1 || l.Last.Ended.Sub(l.Last.Since) < 15*time.Second {
		t.Errorf("%+v", l)
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		change  func(*world, *upgrade.Engine)
		reason  string
	}{
		"mute":          {"v2 mute", nil, "it does not report its version: exit code 2"},
		"picky":         {"v2 picky", nil, "it rejects the current configuration: feedd.toml:3: unknown key"},
		"another one":   {"v2", func(_ *world, e *upgrade.Engine) { e.SHA256 = digest("v3") }, "its SHA-256 is " + digest("v2")},
		"absent":        {"v2", func(w *world, e *upgrade.Engine) { e.Source = filepath.Join(w.dir, "nothing") }, "no such file"},
		"a directory":   {"v2", func(w *world, e *upgrade.Engine) { e.Source = w.dir }, "is a directory"},
		"unsigned":      {"v2", func(_ *world, e *upgrade.Engine) { e.Key = newSigner(t, 1).public }, "bad signature: there is neither"},
		"nothing older": {"v2", func(_ *world, e *upgrade.Engine) { e.Source = "" }, "there is no previous version"},
		"a link": {"v2", func(w *world, _ *upgrade.Engine) {
			if err := errors.Join(os.Rename(w.stable, w.stable+"-1"), os.Symlink("feedd-1", w.stable)); err != nil {
				w.t.Fatal(err)
			}
		}, "is a symbolic link, which other software may use to switch versions"},
		"no configuration": {"v2", func(w *world, e *upgrade.Engine) { e.Config = filepath.Join(w.dir, "feedd.toml") }, "copy of the configuration"},
		"an open place": {"v2", func(w *world, _ *upgrade.Engine) {
			if err := errors.Join(os.Mkdir(w.stable+".versions", 0o755), os.Chmod(w.stable+".versions", 0o777)); err != nil { //nolint:gosec // on purpose
				w.t.Fatal(err)
			}
		}, "is writable by others"},
		"a planted place": {"v2", func(w *world, _ *upgrade.Engine) {
			if err := os.Symlink(w.dir, w.stable+".versions"); err != nil {
				w.t.Fatal(err)
			}
		}, "is not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "v1")
			got := w.upgrade(tt.content, upgrade.Refused, func(e *upgrade.Engine) {
				if tt.change != nil {
					tt.change(w, e)
				}
			})
			if !strings.Contains(got.Reason, tt.reason) || got.Tried || len(w.asked) > 0 {
				t.Errorf("%q, asked for %q", got.Reason, w.asked)
			}
			w.wants("v1", "v1", nil, nil)
		})
	}
}

// A signed version is accepted. So is, for a rollback, a version that was signed before.
func TestSigned(t *testing.T) {
	w := newWorld(t, "v1")
	s := newSigner(t, 1)
	signed := func(e *upgrade.Engine) {
		e.Key = s.public
		if e.Source != "" {
			w.put("download.minisig", s.sign("Ed", []byte(w.content(e.Source))))
		}
	}
	w.upgrade("v2", upgrade.Confirmed, signed)
	if err := os.Remove(filepath.Join(w.dir, "download.minisig")); err != nil {
		t.Fatal(err)
	}
	w.upgrade("", upgrade.Confirmed, signed)
	w.wants("v1", "v1", []string{"v2"}, nil)
}

// A service that was stopped stays stopped.
func TestStopped(t *testing.T) {
	w := newWorld(t, "v1")
	w.runs = ""
	got := w.upgrade("v2", upgrade.Confirmed, nil)
	if got.Tried || !strings.Contains(got.Reason, "stays stopped") || len(w.asked) > 0 {
		t.Errorf("%+v, asked for %q", got, w.asked)
	}
	w.wants("v2", "", []string{"v1"}, nil)
}

// An upgrade can repair a failing service. If the candidate fails, too, the service is as
// before.
func TestFailedService(t *testing.T) {
	w := newWorld(t, "v1 broken")
	got := w.upgrade("v2 fails", upgrade.RolledBack, nil)
	if got.Up || !strings.Contains(strings.Join(got.Notes, "; "), "does not start: it is broken") {
		t.Errorf("%+v", got)
	}
	w.wants("v1 broken", "", nil, []string{"v2: it is broken"})
	w.upgrade("v2", upgrade.Confirmed, nil)
	w.wants("v2", "v2", []string{"v1 broken"}, []string{"v2: it is broken"})
}

// If somebody stops or restarts the service during a trial, the trial ends and the service is
// as requested.
func TestAskedMeanwhile(t *testing.T) {
	for _, stop := range []bool{true, false} {
		w := newWorld(t, "v1")
		got := w.upgrade("v2", upgrade.Interrupted, func(e *upgrade.Engine) {
			status, queries := e.Status, 0
			e.Status = func(ctx context.Context, id, candidate string) upgrade.Status {
				if queries++; queries == 4 {
					_ = w.start(ctx)
					w.asked = nil
					if stop {
						w.runs = ""
					}
				}
				l := status(ctx, id, candidate)
				if queries >= 4 {
					l.Asked = "asked to stop by SIGTERM"
				}
				return l
			}
		})
		if got.Reason != "it was on trial when the service was asked to stop by SIGTERM" || !got.Up || len(w.asked) > 0 {
			t.Errorf("%+v, asked for %q", got, w.asked)
		}
		runs := "v1"
		if stop {
			runs = ""
		}
		w.wants("v1", runs, nil, nil)
	}
}

// If the manager refuses the restart, the candidate was not executed and is not pinned.
func TestNotRestarted(t *testing.T) {
	w := newWorld(t, "v1")
	w.refuses = errors.New("not permitted")
	got := w.upgrade("v2", upgrade.RolledBack, nil)
	if got.Reason != "the service could not be restarted: not permitted" || !got.Up {
		t.Errorf("%+v", got)
	}
	w.wants("v1", "v1", nil, nil)
}

// The end of the context is nobody's fault.
func TestCancelled(t *testing.T) {
	w := newWorld(t, "v1")
	ctx, cancel := context.WithCancel(t.Context())
	e := w.engine("u", w.put("download", "v2"))
	sleep := e.Sleep
	e.Sleep = func(ctx context.Context, d time.Duration) error { cancel(); return sleep(ctx, d) }
	got, err := e.Run(ctx)
	if err != nil || got.Result != upgrade.Interrupted || !got.Up {
		t.Errorf("%+v, %v", got, err)
	}
	w.wants("v1", "v1", nil, nil)
}

// The configuration from before the trial is kept in a file that only its owner can read.
func TestConfigurationIsCopied(t *testing.T) {
	w := newWorld(t, "v1")
	config := w.put("feedd.toml", "secret = 1")
	got := w.upgrade("v2", upgrade.Confirmed, func(e *upgrade.Engine) { e.Config = config })
	info, err := os.Stat(got.ConfigBackup)
	if err != nil || info.Mode().Perm() != 0o600 || w.content(got.ConfigBackup) != "secret = 1" {
		t.Errorf("%s: %v, %v", got.ConfigBackup, info, err)
	}
}

// A successful upgrade and failing ones are interrupted at every step, with or without a
// reboot. At the next start of the service a confirmed version runs. The next call puts
// everything in order, and the upgrade after that succeeds.
func TestCutAtEveryStep(t *testing.T) {
	counts := map[string]int{}
	for _, candidate := range []string{"v2", "v2 fails", "v2 hangs", "v2 sick"} {
		for _, power := range []bool{true, false} {
			for n := 1; ; n++ {
				name := fmt.Sprintf("%s, power %v, step %d", candidate, power, n)
				if !cutAt(t, name, candidate, power, n) {
					break
				}
				counts[candidate]++
			}
		}
	}
	t.Logf("cuts: %v", counts)
	if counts["v2"] < 50 || counts["v2 fails"] < 34 {
		t.Errorf("too few steps: %v", counts)
	}
}

func cutAt(t *testing.T, name, candidate string, power bool, n int) (reached bool) {
	t.Helper()
	w := newWorld(t, "v1")
	at := ""
	w.n = 0
	w.cut = func(step string) error {
		if w.n == n {
			at = step
			return upgrade.ErrCut
		}
		return nil
	}
	_, err := w.engine("u1", w.put("download", candidate)).Run(t.Context())
	if at == "" {
		return false
	}
	name += " (" + at + ")"
	if !errors.Is(err, upgrade.ErrCut) {
		t.Errorf("%s: it ended with %v", name, err)
	}
	w.cut = nil
	if power {
		w.now = w.now.Add(time.Hour)
		if err := os.RemoveAll(filepath.Dir(w.record())); err != nil {
			t.Fatal(err)
		}
		_ = w.start(t.Context())
	}
	stable := w.content(w.stable)
	if stable != "v1" && (stable != "v2" || candidate != "v2") {
		t.Errorf("%s: the stable path is %q", name, stable)
	}
	if power && w.runs != stable {
		t.Errorf("%s: after a power cut %q runs", name, w.runs)
	}
	e := w.engine("u2", "")
	if err := e.Recover(t.Context()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	l, err := upgrade.ReadLedger(w.ledger())
	if err != nil || l.Last != nil && l.Last.Result == "" {
		t.Errorf("%s: left %+v, %v", name, l.Last, err)
	}
	if w.runs != stable {
		t.Errorf("%s: %q runs, and %q is confirmed", name, w.runs, stable)
	}
	if l.Last != nil && (l.Last.Result == upgrade.Confirmed) != (stable == "v2") {
		t.Errorf("%s: %q is confirmed, and the ledger says %q", name, stable, l.Last.Result)
	}
	w.upgrade("v3", upgrade.Confirmed, nil)
	kept := []string{"v1"}
	if stable == "v2" {
		kept = []string{"v2", "v1"}
	}
	w.wants("v3", "v3", kept, nil)
	if dirs, err := os.ReadDir(upgrade.VersionsDir(w.stable)); err != nil || len(dirs) != len(kept)+1 {
		t.Errorf("%s: %d versions lie there, %v", name, len(dirs), err)
	}
	return true
}

// The disk fails at any one step. The running and the installed program are the same confirmed
// version, the outcome says which, and the next upgrade succeeds.
func TestFaultAtEveryStep(t *testing.T) {
	counts := map[string]int{}
	for _, candidate := range []string{"v2", "v2 fails", "v2 sick"} {
		for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
			for n := 1; faultAt(t, candidate, fault, n); n++ {
				counts[candidate]++
			}
		}
	}
	t.Logf("faults: %v", counts)
	if counts["v2"] < 50 || counts["v2 fails"] < 34 {
		t.Errorf("too few steps: %v", counts)
	}
}

func faultAt(t *testing.T, candidate string, fault error, n int) (reached bool) {
	t.Helper()
	w := newWorld(t, "v1")
	at := ""
	w.n = 0
	w.cut = func(step string) error {
		if w.n == n {
			at = step
			return fault
		}
		return nil
	}
	got, err := w.engine("u1", w.put("download", candidate)).Run(t.Context())
	if at == "" {
		return false
	}
	name := fmt.Sprintf("%s, %v at step %d (%s)", candidate, fault, n, at)
	if err != nil && !errors.Is(err, fault) {
		t.Errorf("%s: it ended with %v", name, err)
	}
	w.cut = nil
	stable := w.content(w.stable)
	if got.Result == "" || (got.Result == upgrade.Confirmed) != (stable == "v2") || got.Up && w.runs != stable {
		t.Errorf("%s: %q is installed, %q runs, and the outcome is %q: %s", name, stable, w.runs, got.Result, got.Reason)
	}
	w.upgrade("v3", upgrade.Confirmed, nil)
	if w.content(w.stable) != "v3" || w.runs != "v3" {
		t.Errorf("%s: then %q runs", name, w.runs)
	}
	return true
}

// A FIFO at the path of the versions is reported, and does not block.
func TestIssue9_AFIFOInPlaceOfTheVersionsIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, "v1")
	if err := unix.Mkfifo(upgrade.VersionsDir(w.stable), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := w.upgrade("v2", upgrade.Refused, nil); !strings.Contains(got.Reason, "is not a directory") {
		t.Errorf("%+v", got)
	}
	w.wants("v1", "v1", nil, nil)
}
