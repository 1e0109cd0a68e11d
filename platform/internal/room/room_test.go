package room_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

func TestPauseEndsWithItsContext(t *testing.T) {
	if err := room.Pause(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := room.Pause(ctx, time.Hour); !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestTakeEnvLeavesNothingToChildren(t *testing.T) {
	t.Setenv("ROOM_TEST", "x")
	if got := room.TakeEnv("ROOM_TEST"); got != "x" {
		t.Errorf("got %q", got)
	}
	if got, left := os.LookupEnv("ROOM_TEST"); left || room.TakeEnv("ROOM_TEST") != "" {
		t.Errorf("%q is left", got)
	}
}

// The error has all refusals at once, by name.
func TestRefusals(t *testing.T) {
	id := platform.ID{Name: "feedd", Instance: "two", Scope: platform.ScopeSystem}
	var r room.Refusals
	r.Add(nil)
	r.RefuseIf(false, "group", "no")
	if err := r.Err("unit", id); err != nil {
		t.Error(err)
	}
	r.RefuseIf(true, "user", "%q: nobody", "x")
	r.CheckRestart(platform.Restart{Policy: "sometimes", Max: -2})
	mask := os.FileMode(0o1777)
	r.CheckUmask(platform.Unit{Umask: &mask})
	err := r.Err("unit", id)
	if !errors.Is(err, platform.ErrBadUnit) {
		t.Fatal(err)
	}
	for _, part := range []string{`unit "feedd@two"`, `user "x": nobody`, "restart.policy", "restart.max", "umask"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say %s", err, part)
		}
	}
	var fine room.Refusals
	fine.CheckRestart(platform.Restart{Policy: platform.RestartNever, Max: platform.NoLimit})
	fine.CheckUmask(platform.Unit{})
	if err := fine.Err("unit", id); err != nil {
		t.Error(err)
	}
}

func TestIDs(t *testing.T) {
	for _, id := range []platform.ID{
		{Name: "a b", Scope: platform.ScopeSystem}, {Name: "a", Instance: "/", Scope: platform.ScopeUser}, {Name: "a"}, {Scope: platform.ScopeUser},
	} {
		if err := room.CheckNames(id); !errors.Is(err, platform.ErrBadUnit) {
			t.Errorf("%+v: %v", id, err)
		}
	}
	taken := platform.ID{Name: "systemd", Scope: platform.ScopeSystem}
	if err := room.CheckNames(taken); err != nil {
		t.Error(err)
	}
	if err := room.CheckID(taken); !errors.Is(err, platform.ErrBadUnit) {
		t.Error(err)
	}
}
