//go:build linux || darwin

package service_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// If root runs by hand a service of another user, it is refused with a remedy (issue 10).
// Otherwise no command could use the files that it writes.
func TestIssue10_RootRunsNoOthersServiceByHand(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg     service.Config
		starter string
		root    bool
		refused bool
	}{
		"root by hand":           {service.Config{User: "feed"}, "", true, true},
		"root by a manager":      {service.Config{User: "feed"}, "systemd", true, false},
		"root that insists":      {service.Config{User: "feed", AsRoot: true}, "", true, false},
		"root for root":          {service.Config{User: "root"}, "", true, false},
		"root by number":         {service.Config{User: "0"}, "", true, false},
		"nobody said who":        {service.Config{}, "", true, false},
		"a service of root's":    {service.Config{User: "feed", Scope: platform.ScopeUser}, "", true, false},
		"the user, or any other": {service.Config{User: "feed"}, "", false, false},
	} {
		err := service.RefuseRoot(&tt.cfg, tt.starter, tt.root)
		if (err != nil) != tt.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// byHand is the host of a process that no manager started.
type byHand struct{ *host }

func (byHand) Name() string { return "" }

func TestIssue10_RunRefusesRootByHand(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	b := newBench(t)
	b.cfg.User = "nobody"
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that it does not serve
	err := service.RunOn(ctx, byHand{&host{requests: make(chan platform.Request)}}, nil, b.cfg, &program{})
	if !errors.Is(err, platform.ErrPermission) || service.ExitCode(err) != platform.ExitNotPermitted || !strings.Contains(err.Error(), "runuser -u nobody") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(b.cfg.StateDir); len(left) > 0 {
		t.Errorf("it has written %v", left)
	}
}
