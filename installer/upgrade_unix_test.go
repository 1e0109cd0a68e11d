//go:build unix

package installer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
)

// The caller gets what the program's `upgrade` prints, and an error for its exit code.
func TestUpgrade(t *testing.T) {
	const json = `{"service":"feedd","id":"u1","from":{"version":"1","sha256":"aa"},"to":{"version":"2","sha256":"bb"},"result":"RESULT","reason":"REASON","downtime_ns":40000000,"up":true}`
	for name, tt := range map[string]struct {
		script string
		rolled bool
		says   string
	}{
		"confirmed":   {"echo '" + strings.NewReplacer("RESULT", "confirmed", "REASON", "").Replace(json) + "'", false, ""},
		"unchanged":   {"echo '" + strings.NewReplacer("RESULT", "unchanged", "REASON", "").Replace(json) + "'", false, ""},
		"rolled back": {"echo '" + strings.NewReplacer("RESULT", "rolled-back", "REASON", "port 99999 is none").Replace(json) + "'; exit 10", true, "port 99999 is none"},
		"interrupted": {"echo '" + strings.NewReplacer("RESULT", "interrupted", "REASON", "killed").Replace(json) + "'; exit 10", true, "killed"},
		"refused":     {"echo '" + strings.NewReplacer("RESULT", "refused", "REASON", "no program").Replace(json) + "'; exit 1", false, "upgrade: no program"},
		"under way":   {"echo 'feedd: another one is under way' >&2; exit 75", false, "upgrade: another process is changing the installation: feedd: another one is under way"},
		"silent":      {"exit 0", false, "sent no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "feedd")
			script := "#!/bin/sh\necho \"$*\" >" + dir + "/args\n" + tt.script + "\n"
			if err := os.WriteFile(program, []byte(script), 0o755); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
			r, err := installer.Upgrade(t.Context(), installer.UpgradeOptions{
				Program: program, Command: []string{"admin"}, Flags: []string{"--scope=user"}, File: "/tmp/new", SHA256: "bb", Settle: time.Second, Timeout: time.Minute, Tries: 3, Restart: true, Force: true,
			})
			if (err != nil) != (tt.says != "") || errors.Is(err, installer.ErrRolledBack) != tt.rolled || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v, %v", r, err)
			}
			if busy := name == "under way"; errors.Is(err, installer.ErrBusy) != busy {
				t.Errorf("busy is %v: %v", !busy, err)
			}
			if strings.Contains(tt.script, "{") && (r.ID != "u1" || r.To.Version != "2" || r.From.SHA256 != "aa" || r.Downtime != 40*time.Millisecond || !r.Up) {
				t.Errorf("%+v", r)
			}
			args, err := os.ReadFile(filepath.Join(dir, "args"))
			if want := "admin upgrade --json --scope=user --settle=1s --timeout=1m0s --tries=3 --restart --force --sha256=bb -- /tmp/new\n"; err != nil || string(args) != want {
				t.Errorf("called with %q, %v; want %q", args, err, want)
			}
		})
	}
}

// Without a file it is a rollback. The end of the context ends the wait.
func TestUpgradeBack(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "feedd")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$*\" >&2; exec sleep 1000\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopping"))
	if _, err := installer.Upgrade(ctx, installer.UpgradeOptions{Program: program}); err == nil || !strings.Contains(err.Error(), "continues without its caller: stopping") {
		t.Error(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$*\" >&2; exit 1\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if _, err := installer.Upgrade(t.Context(), installer.UpgradeOptions{Program: program}); err == nil || err.Error() != "upgrade: rollback --json" {
		t.Error(err)
	}
}
