//go:build unix

package upgrade_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// An older version has a trial like any other, and a version that is kept already is not kept
// twice.
func TestIssue11_ADowngradeIsAnUpgrade(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v2", upgrade.Confirmed, nil)
	w.upgrade("v3", upgrade.Confirmed, nil)
	got := w.upgrade("v1", upgrade.Confirmed, nil)
	w.wants("v1", "v1", []string{"v3", "v2"}, nil)
	if !got.Tried || got.Back {
		t.Errorf("%+v", got)
	}
	w.upgrade("v0 fails", upgrade.RolledBack, nil) // older than any
	w.wants("v1", "v1", []string{"v3", "v2"}, []string{"v0: port 99999 is none"})
	if dirs, err := os.ReadDir(upgrade.VersionsDir(w.stable)); err != nil || len(dirs) != 3 {
		t.Errorf("%d versions lie there, %v", len(dirs), err)
	}
}

// A different file that reports the same version is another version. The same file has no
// second trial, whatever its name.
func TestIssue11_TheSameVersionAgain(t *testing.T) {
	w := newWorld(t, "v1")
	w.upgrade("v1 rebuilt", upgrade.Confirmed, nil)
	w.wants("v1 rebuilt", "v1 rebuilt", []string{"v1"}, nil)
	l, err := upgrade.ReadLedger(w.ledger())
	if err != nil || l.Confirmed.Version != "v1" || l.Kept[0].Version != "v1" || l.Confirmed.SHA256 == l.Kept[0].SHA256 {
		t.Errorf("%+v, %v", l, err)
	}
	if got := w.upgrade("v1 rebuilt", upgrade.Unchanged, func(e *upgrade.Engine) { e.Source = w.put("by-another-name", "v1 rebuilt") }); got.Tried {
		t.Errorf("%+v", got)
	}
	if got := w.upgrade("", upgrade.Unchanged, func(e *upgrade.Engine) { e.Source = w.stable }); got.Tried { // itself
		t.Errorf("%+v", got)
	}
	// A file among the kept versions is a source like any other.
	w.upgrade("", upgrade.Confirmed, func(e *upgrade.Engine) { e.Source = l.Kept[0].Path })
	w.wants("v1", "v1", []string{"v1 rebuilt"}, nil)
	// So is a file there that the ledger does not know.
	if err := os.Mkdir(filepath.Join(upgrade.VersionsDir(w.stable), "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.upgrade("", upgrade.Confirmed, func(e *upgrade.Engine) { e.Source = w.put("feedd.versions/mine/feedd", "v4") })
	w.wants("v4", "v4", []string{"v1", "v1 rebuilt"}, nil)
}

// Force allows a pinned version, even if there is no way back. It waives no other check.
func TestIssue11_ForceWaivesThePinAndNothingElse(t *testing.T) {
	force := func(e *upgrade.Engine) { e.Force = true }
	w := newWorld(t, "v1")
	w.upgrade("v2 fails", upgrade.RolledBack, nil)
	w.upgrade("v2 fails", upgrade.Refused, nil)
	w.upgrade("v2 fails", upgrade.RolledBack, force)
	w.wants("v1", "v1", nil, []string{"v2: port 99999 is none"})
	w.upgrade("v3 picky", upgrade.Refused, force)
	w.upgrade("v3 mute", upgrade.Refused, force)
	w.upgrade("v3", upgrade.Refused, func(e *upgrade.Engine) { e.Force, e.SHA256 = true, digest("v4") })
	w.upgrade("v3", upgrade.Refused, func(e *upgrade.Engine) { e.Force, e.Key = true, newSigner(t, 1).public })
	w.upgrade("v1", upgrade.Unchanged, force)
	w.wants("v1", "v1", nil, []string{"v2: port 99999 is none"})
}

// A ledger that this program does not understand is not overwritten, and without a valid
// ledger nothing is done.
func TestIssue11_ALedgerThatIsNotUnderstood(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(path string) error
		is    error
		says  string
	}{
		"newer":    {func(p string) error { return os.WriteFile(p, []byte(`{"format": 2, "confirmed": {}}`), 0o600) }, files.ErrMalformed, "its format is 2, and this program knows 1: use the newer program"},
		"no JSON":  {func(p string) error { return os.WriteFile(p, []byte("{"), 0o600) }, files.ErrMalformed, "remove it"},
		"empty":    {func(p string) error { return os.WriteFile(p, nil, 0o600) }, files.ErrMalformed, "remove it"},
		"a FIFO":   {func(p string) error { return errors.Join(os.Remove(p), unix.Mkfifo(p, 0o600)) }, nil, "record of the versions"},
		"open":     {func(p string) error { return os.Chmod(p, 0o666) }, files.ErrUntrusted, "record of the versions"}, //nolint:gosec // on purpose
		"a folder": {func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) }, nil, "record of the versions"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "v1")
			w.upgrade("v2", upgrade.Confirmed, nil)
			if err := tt.spoil(w.ledger()); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(w.ledger())
			w.asked = nil
			got, err := w.engine("u9", w.put("download", "v3")).Run(t.Context())
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || got.Result != upgrade.Refused {
				t.Errorf("%+v, %v; want %q", got, err, tt.says)
			}
			if err := w.engine("u9", "").Refuse(t.Context(), errors.New("not now")); err == nil {
				t.Error("it was written over")
			}
			after, _ := os.Lstat(w.ledger())
			if !os.SameFile(before, after) || before.Size() != after.Size() || w.content(w.stable) != "v2" || w.runs != "v2" || len(w.asked) > 0 {
				t.Errorf("%v, %v; %q runs, asked for %q", before, after, w.runs, w.asked)
			}
			// Without it there is a new one, which knows what is there.
			if err := os.RemoveAll(w.ledger()); err != nil {
				t.Fatal(err)
			}
			w.upgrade("v3", upgrade.Confirmed, nil)
			w.wants("v3", "v3", []string{"v2"}, nil)
		})
	}
}

// A trial record that cannot be read, or that has another format, is removed at the end of the
// trial.
func TestIssue11_ARecordOfATrialThatIsNotUnderstood(t *testing.T) {
	for _, content := range []string{"{", "", `{"format": 2, "id": "u1"}`, strings.Repeat("x", 70<<10)} {
		w := newWorld(t, "v1")
		w.cut = func(step string) error {
			if step == "restart" {
				return upgrade.ErrCut
			}
			return nil
		}
		if _, err := w.engine("u1", w.put("download", "v2")).Run(t.Context()); !errors.Is(err, upgrade.ErrCut) {
			t.Fatal(err)
		}
		w.cut = nil
		if err := os.WriteFile(w.record(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.start(t.Context()); err != nil || w.runs != "v1" {
			t.Errorf("%.9q: %q runs, %v", content, w.runs, err)
		}
		w.asked = nil
		if err := w.engine("u2", "").Recover(t.Context()); err != nil {
			t.Errorf("%.9q: %v", content, err)
		}
		w.tidy()
		l, err := upgrade.ReadLedger(w.ledger())
		if err != nil || l.Last.Result != upgrade.Interrupted || !l.Last.Up || slices.Contains(w.asked, "restart") {
			t.Errorf("%.9q: %+v, %v, asked for %q", content, l.Last, err, w.asked)
		}
		w.upgrade("v2", upgrade.Confirmed, nil)
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(w.record()), "*")); len(left) > 0 {
			t.Errorf("%.9q: left %q", content, left)
		}
	}
}
