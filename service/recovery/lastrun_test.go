package recovery_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

func self(t *testing.T) proc.Identity {
	t.Helper()
	id, err := proc.Self()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("process identity: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func begin(t *testing.T, path string) (*recovery.Record, recovery.LastRun) {
	t.Helper()
	r, last, err := recovery.Begin(path, recovery.LastRun{Process: self(t), Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return r, last
}

func TestRunsAreToldApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.lastrun.json")

	r, last := begin(t, path)
	if last.Known() || !last.Clean() || last.Outcome() != "none" || r.Restarts() != 0 {
		t.Errorf("first run ever sees %+v", last)
	}
	if err := r.Sync(); err != nil {
		t.Error(err)
	}
	// cut off

	r, last = begin(t, path)
	if !last.Known() || last.Clean() || last.Reboot || r.Restarts() != 1 || !strings.Contains(last.Outcome(), "killed") {
		t.Errorf("after a cut: %+v, restarts %d", last, r.Restarts())
	}
	if err := r.Close(platform.Exit{Code: 70, Reason: "panic in Reload"}, false); err != nil {
		t.Fatal(err)
	}

	r, last = begin(t, path)
	if last.Clean() || r.Restarts() != 2 || last.Outcome() != "panic in Reload" || last.Ended.Before(last.Started) {
		t.Errorf("after a failure: %+v, restarts %d", last, r.Restarts())
	}
	if err := r.Close(platform.Exit{Clean: true, Reason: "asked to stop by SIGTERM"}, false); err != nil {
		t.Fatal(err)
	}

	r, last = begin(t, path)
	if !last.Clean() || r.Restarts() != 0 || last.Version != "1.0" {
		t.Errorf("after a clean end: %+v, restarts %d", last, r.Restarts())
	}
}

func TestAnotherBootIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	begin(t, path)
	last, err := recovery.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	last.Process.Boot = "another"
	b, _ := json.Marshal(last)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, last = begin(t, path)
	if !last.Reboot || last.Clean() || !strings.Contains(last.Outcome(), "uptime") {
		t.Errorf("%+v", last)
	}
}

func TestDamagedRecordCountsAsCutOff(t *testing.T) {
	for _, junk := range []string{"", "{", "\x00\x00\x00", `{"started":7}`} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		r, last, err := recovery.Begin(path, recovery.LastRun{Process: self(t)})
		if !errors.Is(err, recovery.ErrDamaged) || r == nil || last.Clean() {
			t.Errorf("%q: %v, %+v", junk, err, last)
		}
	}
}

func TestUnwritableRecordIsAnError(t *testing.T) {
	if _, _, err := recovery.Begin(filepath.Join(t.TempDir(), "none", "x"), recovery.LastRun{Process: self(t)}); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}

// For a run that was cut off, the observation of its supervisor counts.
func TestWhatWasSeenOfACutOffRun(t *testing.T) {
	seen := &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "killed by SIGKILL"}
	l := recovery.LastRun{Started: time.Now(), Seen: seen}
	if l.Outcome() != "killed by SIGKILL" || l.Ending() != seen || l.Clean() {
		t.Errorf("%q, %+v", l.Outcome(), l.Ending())
	}
	own := &platform.Exit{Code: 70, Reason: "panic"}
	if l.Exit = own; l.Outcome() != "panic" || l.Ending() != own {
		t.Errorf("its own words come first: %q", l.Outcome())
	}
}

// A record that owes a recovery without a word of how its run ended made whoever read it panic:
// each start, and `fleet status` of root. The directory may belong to another user, and a run
// that was cut off after its stop had begun wrote such a record itself.
func TestARunThatOwesIsNotAlwaysClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.lastrun.json")
	if err := os.WriteFile(path, []byte(`{"started": "2026-01-01T00:00:00Z", "owing": true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, last := begin(t, path)
	if last.Clean() || !strings.Contains(last.Outcome(), "uptime") || last.Ending() == nil || last.Summary() == nil {
		t.Errorf("%+v: %s", last, last.Outcome())
	}

	r.Owes()
	if err := r.Ready(); err != nil { // written by another goroutine
		t.Fatal(err)
	}
	if open, err := recovery.Read(path); err != nil || open.Owing {
		t.Errorf("the record of a run that has not ended: %+v, %v", open, err)
	}
	if err := r.Close(platform.Exit{Clean: true, Reason: "asked to stop"}, false); err != nil {
		t.Fatal(err)
	}
	if closed, err := recovery.Read(path); err != nil || !closed.Owing || closed.Clean() || closed.How() != recovery.Clean {
		t.Errorf("the closed record: %+v, %v", closed, err)
	}
}
