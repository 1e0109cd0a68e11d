package recovery_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

func TestWhatBecameOfTheProgramBetweenTwoRuns(t *testing.T) {
	for _, c := range []struct {
		last, lastTrial, now, trial string
		want                        recovery.Change
	}{
		{"1.2", "", "1.2", "", recovery.Same},
		{"1.2", "", "", "", recovery.Same},
		{"", "", "1.2", "", recovery.Same},
		{"1.9", "", "1.10", "", recovery.Upgraded},
		{"1.10", "", "v1.9", "", recovery.RolledBack},
		{"v1.2.0", "", "1.2", "", recovery.Upgraded}, // unknown, but not older
		{"1.2.0-rc.2", "", "1.2.0-rc.10", "", recovery.Upgraded},
		{"1.2.0-rc.2", "", "1.2.0", "", recovery.Upgraded},
		{"1.2.0", "", "1.2.0-rc.2", "", recovery.RolledBack},
		{"1.2.0+7", "", "1.2.0+8", "", recovery.Upgraded},
		{"1.2", "", "1.2.1", "", recovery.Upgraded},
		{"1.2.1", "", "1.2", "", recovery.RolledBack},
		{"nightly", "", "weekly", "", recovery.Upgraded},
		{"1.2", "", "1.3", "a", recovery.Upgraded},   // a candidate
		{"1.3", "a", "1.3", "a", recovery.Same},      // restarted
		{"1.3", "a", "1.3", "", recovery.Same},       // confirmed between the runs
		{"1.1", "a", "1.2", "", recovery.RolledBack}, // an older version on trial that is not confirmed
		{"", "a", "", "", recovery.RolledBack},       // without versions the trial decides
		{"", "", "", "a", recovery.Upgraded},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if _, _, err := recovery.Begin(path, recovery.LastRun{Process: self(t), Version: c.last, Trial: c.lastTrial}); err != nil {
			t.Fatal(err)
		}
		_, last, err := recovery.Begin(path, recovery.LastRun{Process: self(t), Version: c.now, Trial: c.trial})
		if err != nil || last.Change != c.want {
			t.Errorf("%+v: %q, %v", c, last.Change, err)
		}
	}
}

func TestAConfirmedCandidateIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	r, _, err := recovery.Begin(path, recovery.LastRun{Process: self(t), Trial: "a", Term: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Confirmed(); err != nil {
			t.Error(err)
		}
	}
	if last, err := recovery.Read(path); err != nil || last.Trial != "" || last.Term != 3 {
		t.Errorf("%+v, %v", last, err)
	}
	if err := r.Close(platform.Exit{Clean: true}, false); err != nil {
		t.Error(err)
	}
	if err := r.Confirmed(); err != nil {
		t.Error(err)
	}
	if last, err := recovery.Read(path); err != nil || last.How() != recovery.Clean {
		t.Errorf("%+v, %v", last, err)
	}
}

func TestLastWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.crash")
	if c, err := recovery.ReadCrash(path); c != nil || err != nil {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	for text, want := range map[string]struct {
		how     recovery.How
		outcome string
	}{
		"":   {recovery.Killed, "killed or crashed without a trace"},
		"\n": {recovery.Killed, "killed or crashed without a trace"},
		"panic: boom\n\ngoroutine 1 [running]:\n":                              {recovery.Panicked, "panic: boom"},
		"fatal error: all goroutines are asleep - deadlock!\n":                 {recovery.Panicked, "fatal error: all goroutines are asleep - deadlock!"},
		"SIGABRT: abort\nPC=0x1 m=0\n":                                         {recovery.Signaled, "killed by SIGABRT"},
		"panic: " + strings.Repeat("x", 1000):                                  {recovery.Panicked, "panic: " + strings.Repeat("x", 393)},
		strings.Repeat("\n", recovery.MaxCrash) + "panic: nobody reads so far": {recovery.Killed, "killed or crashed without a trace"},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := recovery.ReadCrash(path)
		l := recovery.LastRun{Started: time.Now()}
		if c != nil {
			l.Seen = &c.Exit
		}
		if err != nil || l.How() != want.how || l.Outcome() != want.outcome || !l.Crashed() {
			t.Errorf("%.40q: %s, %q, %v", text, l.How(), l.Outcome(), err)
		}
	}
	if err := recovery.CatchCrash(path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 0 {
		t.Errorf("the last one's are kept: %q, %v", b, err)
	}
	if err := recovery.ForgetCrash(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error(err)
	}
}
