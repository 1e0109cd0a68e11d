//go:build linux || darwin || windows

package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// begins runs a service that returns how long after its beginning Start was called.
func begins(b *bench) func() time.Duration {
	begun := time.Now()
	var after time.Duration
	b.run(b.t.Context(), &program{start: func(context.Context, *service.Runtime) error {
		after = time.Since(begun)
		return nil
	}})
	return func() time.Duration {
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			b.t.Error(err)
		}
		return after
	}
}

// If the manager cannot wait for the network, the service does. The wait counts as progress,
// and start_timeout begins after it.
func TestIssue10_8_TheNetworkIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.NeedsNetwork, b.cfg.StartTimeout = "launchd", true, time.Second
		begun := time.Now()
		b.machine.Online = func() bool { return time.Since(begun) >= 20*time.Second }
		heard, extended := b.heard, time.Duration(0)
		b.heard = func(n platform.Notice) {
			if n.Text == "waiting for the network" {
				extended = n.Extend
			}
			heard(n)
		}
		if after := begins(b)(); after < 20*time.Second || after > 21*time.Second {
			t.Errorf("started after %v", after)
		}
		if extended < 30*time.Second {
			t.Errorf("the manager was asked for %v more", extended)
		}
	})
}

func TestIssue10_8_TheWaitForTheNetworkIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.NeedsNetwork = "scm", true
		b.machine.Online = func() bool { return false }
		if after := begins(b)(); after != 30*time.Second {
			t.Errorf("started after %v", after)
		}
		if !strings.Contains(b.logText(), "there is no network yet") {
			t.Error("no warning of it")
		}
	})
}

func TestIssue10_8_AStopEndsTheWaitForTheNetwork(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.name, b.cfg.NeedsNetwork = "launchd", true
		b.machine.Online = func() bool { return false }
		begun := time.Now()
		b.run(t.Context(), &program{})
		for n := range b.notice {
			if n.Text != "" {
				break
			}
		}
		b.stop()
		if err := b.end(); err != nil || time.Since(begun) > time.Second {
			t.Errorf("%v, after %v", err, time.Since(begun))
		}
	})
}

// The service does not wait if its manager did, if it was started by hand, or if it does not
// need the network.
func TestIssue10_8_WhoWaitsForTheNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		host  string
		scope platform.Scope
		needs bool
		waits bool
	}{
		"a systemd of the machine": {"systemd", platform.ScopeSystem, true, false},
		"a user's systemd":         {"systemd", platform.ScopeUser, true, true},
		"sysv":                     {"sysv", platform.ScopeSystem, true, false},
		"openrc":                   {"openrc", platform.ScopeSystem, true, false},
		"launchd":                  {"launchd", platform.ScopeSystem, true, true},
		"scm":                      {"scm", platform.ScopeSystem, true, true},
		"by hand":                  {"test", platform.ScopeUser, true, false},
		"not asked to":             {"launchd", platform.ScopeUser, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.name, b.cfg.Scope, b.cfg.NeedsNetwork = tt.host, tt.scope, tt.needs
				asked := false
				b.machine.Online = func() bool { asked = true; return true }
				if after := begins(b)(); after > time.Second || asked != tt.waits {
					t.Errorf("started after %v, asked %v", after, asked)
				}
			})
		})
	}
}

// Whatever the result on this machine, it comes at once and without a packet.
func TestOnline(t *testing.T) {
	t.Logf("online: %v", service.Online())
}
