//go:build linux || freebsd

package native_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A user's directories need HOME only if no XDG variable replaces it.
func TestIssue10_2_AHomeIsNeededOnlyWithoutXDG(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CONFIG_HOME", "/c")
	t.Setenv("XDG_STATE_HOME", "")
	if d, err := native.DirsFor(platform.ScopeUser, "feedd"); err == nil {
		t.Errorf("without a home: %+v", d)
	}
	t.Setenv("XDG_STATE_HOME", "/s")
	want := native.Dirs{Runtime: "/s/feedd/run", State: "/s/feedd", Logs: "/s/feedd/log", Config: "/c/feedd"}
	if d, err := native.DirsFor(platform.ScopeUser, "feedd"); err != nil || d != want {
		t.Errorf("%+v, %v\nwant %+v", d, err, want)
	}
}
