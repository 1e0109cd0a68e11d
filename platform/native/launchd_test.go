package native_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A plan for a Mac has a Mac's paths, wherever it is made.
func TestLaunchdPlanAnywhere(t *testing.T) {
	if _, err := exec.LookPath("launchctl"); err == nil {
		t.Skip("here is a launchctl: its machine's places count")
	}
	t.Setenv("HOME", "/Users/ann")
	t.Setenv("USERPROFILE", "/Users/ann") // used on Windows
	m, err := native.Manager("launchd")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		scope             platform.Scope
		user, list, first string
	}{
		{platform.ScopeSystem, "", "/Library/LaunchDaemons/feedd.plist", "/var/log/feedd/feedd.log"},
		{platform.ScopeSystem, "feed", "/Library/LaunchDaemons/feedd.plist", "/var/db/feedd/run"},
		{platform.ScopeUser, "", "/Users/ann/Library/LaunchAgents/feedd.plist", "/Users/ann/Library/Logs/feedd/feedd.log"},
	} {
		u := platform.Unit{ID: platform.ID{Name: "feedd", Scope: tt.scope}, User: tt.user, Exec: []string{"/usr/local/bin/feedd", "run"}}
		steps, err := m.Plan(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range steps {
			if s.Kind == platform.StepWriteFile {
				found = s.Path == tt.list && s.Mode == 0o644 && strings.Contains(string(s.Content), "<string>"+tt.first+"</string>")
			}
		}
		if !found {
			t.Errorf("%s %s: %+v", tt.scope, tt.user, steps)
		}
	}
}
