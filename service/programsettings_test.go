//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

func TestProgramSettings(t *testing.T) {
	if got := (service.Config{Name: "feedd"}).ProgramSettings(); got != nil {
		t.Errorf("not loaded: %v", got)
	}
	if c, err := (service.Config{Name: "feedd"}).Load(); err != nil || c.ProgramSettings() == nil || len(c.ProgramSettings()) > 0 {
		t.Errorf("without a file: %v, %v", c.ProgramSettings(), err)
	}
	load := func(text string) map[string]string {
		t.Helper()
		c, err := service.Config{Name: "feedd", Tables: []string{"feed", "more"}, File: write(t, text)}.Load()
		if err != nil {
			t.Fatal(err)
		}
		return c.ProgramSettings()
	}
	a := load("[service]\nuser = \"alice\"\n[feed]\nurl = \"x\"\nlist = [1, 2]\nwhen = 2026-01-02\nbig = inf\n[feed.below]\nkey = \"hunter2\"\n[[more]]\na = 1\n")
	if got, want := slices.Sorted(maps.Keys(a)), []string{"feed.below.key", "feed.big", "feed.list", "feed.url", "feed.when", "more"}; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	for _, digest := range a {
		if strings.Contains(digest, "hunter2") {
			t.Errorf("the value itself: %v", a)
		}
	}
	b := load("# another order\n[[more]]\na = 2\n[feed]\nlist = [1, 2]\nurl = \"y\"\nwhen = 2026-01-02\nbig = inf\nbelow = {key = \"hunter2\"}\n")
	if got := service.Differing(a, b); !slices.Equal(got, []string{"feed.url", "more"}) {
		t.Errorf("differing: %q", got)
	}
}

// A partly is a program whose reload takes nothing of its table.
type partly struct{ program }

func (*partly) NeedsRestart(key string) bool { return strings.HasPrefix(key, "feed") }

// The settings in force of the program's own tables are recorded for the commands: what a
// reload has taken, but not what it has refused or does not handle.
func TestIssue10_5_OwnTablesInForce(t *testing.T) {
	refuses := false
	for name, tt := range map[string]struct {
		prog  service.Program
		takes bool
		warns bool
	}{
		"a program that reloads": {&program{
			start: func(context.Context, *service.Runtime) error { return nil },
			reload: func(context.Context) error {
				if refuses {
					return errors.New("no")
				}
				return nil
			},
		}, true, false},
		"one that takes another part": {&partly{}, false, true},
		"one that does not":           {service.ProgramFunc(func(ctx context.Context, rt *service.Runtime) error { rt.Ready(); <-ctx.Done(); return nil }), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				refuses = false
				b.cfg.Tables = []string{"feed"}
				b.cfg.File = write(t, "[feed]\nurl = \"a\"\n")
				b.run(t.Context(), tt.prog)
				b.await(platform.PhaseReady)
				own := func() map[string]string {
					t.Helper()
					got, err := state.ReadProgramSettings(state.ProgramSettingsPath(b.cfg.StateDir, "feedd"), b.state().Process)
					if err != nil {
						t.Fatal(err)
					}
					return got
				}
				reload := func(text string) {
					t.Helper()
					if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					b.ask(platform.RequestReload)
					b.await(platform.PhaseReloading)
					b.await(platform.PhaseReady)
					synctest.Wait()
				}
				first := own()
				if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, []string{"feed.url"}) {
					t.Errorf("at the start: %q", got)
				}
				reload("[feed]\nurl = \"b\"\nkey = 1\n")
				second := own()
				if got := service.Differing(first, second); slices.Equal(got, []string{"feed.key", "feed.url"}) != tt.takes {
					t.Errorf("after a reload others are in force: %q", got)
				}
				if warns := strings.Contains(b.logText(), `restart applies them: keys="feed.key, feed.url"`); warns != tt.warns {
					t.Errorf("the log:\n%s", b.logText())
				}
				refuses = true
				reload("[feed]\n")
				if got := own(); !maps.Equal(got, second) {
					t.Errorf("after one that was refused: %v", got)
				}
				b.stop()
				if err := b.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// If that file cannot be written, the service serves nevertheless.
func TestOwnTablesThatCannotBeWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		if err := os.MkdirAll(filepath.Join(state.ProgramSettingsPath(b.cfg.StateDir, "feedd"), "in the way"), 0o755); err != nil {
			t.Fatal(err)
		}
		b.run(t.Context(), &program{start: func(context.Context, *service.Runtime) error { return nil }})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}
