//go:build unix

package launchd_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

type owned struct {
	info
	uid uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.uid} }

// A daemon's property list must belong to root, an agent's to root or that user: see
// launchctl(1).
func TestStartChecksTheOwner(t *testing.T) {
	for _, tt := range []struct {
		scope   platform.Scope
		owner   uint32
		refused bool
	}{
		{platform.ScopeSystem, 0, false},
		{platform.ScopeSystem, 501, true},
		{platform.ScopeUser, 501, false},
		{platform.ScopeUser, 0, false},
		{platform.ScopeUser, 502, true},
	} {
		id := platform.ID{Name: "feedd", Scope: tt.scope}
		o := launchd.Options{Home: "/Users/ann", Dirs: dirs}
		if tt.scope == platform.ScopeUser {
			o.UID = 501
		}
		sys := installed(t, map[string][]answer{})
		sys.files["/Users/ann/Library/LaunchAgents/feedd.plist"] = sys.files[feeddFile]
		sys.info = owned{info{0o644}, tt.owner}
		err := launchd.New(sys, o).Start(t.Context(), id)
		if refused := errors.Is(err, platform.ErrPermission); refused != tt.refused {
			t.Errorf("%s service, file of %d: %v", tt.scope, tt.owner, err)
		}
	}
}
