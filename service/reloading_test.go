//go:build linux || darwin || windows

package service_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A reload re-reads the [service] table: the level of the log changes at once, a
// bad table is refused whole, and what takes effect later is said.
func TestReloadOfOurOwnTable(t *testing.T) {
	b := newBench(t)
	b.cfg.Log.Level = ""
	b.cfg.File = write(t, "[service.log]\nlevel = \"info\"\n")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reload := func() service.Reloads {
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		return b.state().Reloads
	}
	var rt *service.Runtime
	calls := 0
	b.run(t.Context(), &program{
		start:  func(_ context.Context, r *service.Runtime) error { rt = r; return nil },
		reload: func(context.Context) error { calls++; return nil },
	})
	b.await(platform.PhaseReady)
	child := rt.Logger().Named("child")
	child.Debug("before")

	set("[service.log]\nlevel = \"debug\"\n")
	if r := reload(); r.LastError != "" {
		t.Fatal(r.LastError)
	}
	child.Debug("after")
	if log := b.logText(); strings.Contains(log, "before") || !strings.Contains(log, "after") {
		t.Errorf("the level did not change with the reload:\n%s", log)
	}

	set("[service.log]\nlevel = \"loud\"\n")
	if r := reload(); !strings.Contains(r.LastError, "service.log.level") || calls != 1 {
		t.Errorf("a bad table: %q, and %d calls of Reload, want 1", r.LastError, calls)
	}
	child.Debug("still debug")

	set("[service]\nstop_timeout = \"77s\"\n[service.log]\nlevel = \"debug\"\n")
	if r := reload(); r.LastError != "" {
		t.Error(r.LastError)
	}
	if log := b.logText(); !strings.Contains(log, "still debug") || !strings.Contains(log, "next start") {
		t.Errorf("the log is\n%s", log)
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}
