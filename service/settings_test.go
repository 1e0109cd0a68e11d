//go:build linux || darwin || windows

package service_test

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func TestSettingsAreThoseThatAreNotTheDefaults(t *testing.T) {
	none := uint64(0)
	for name, tt := range map[string]struct {
		c    service.Config
		want []string
	}{
		"none":         {service.Config{}, nil},
		"the defaults": {service.Config{StopTimeout: 30 * time.Second, Umask: "0027", Env: map[string]string{}, Args: []string{}}, nil},
		"some": {
			service.Config{User: "alice", Limits: service.Limits{Core: &none}, Hardening: service.Hardening{PrivateTmp: service.Off}, Env: map[string]string{"A": "b"}},
			[]string{"env", "hardening.private_tmp", "limits.core", "user"},
		},
	} {
		if got := slices.Sorted(maps.Keys(tt.c.Settings())); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	secret := service.Config{Env: map[string]string{"TOKEN": "hunter2"}}.Settings()
	if text := strings.Join(slices.Collect(maps.Values(secret)), " "); strings.Contains(text, "hunter2") {
		t.Errorf("it tells %q", text)
	}
	a, b := service.Config{User: "alice", Watchdog: 1, Umask: "0022"}.Settings(), service.Config{User: "bob", Group: "x", Umask: "0022"}.Settings()
	if got, want := service.Differing(a, b), []string{"group", "user", "watchdog"}; !slices.Equal(got, want) {
		t.Errorf("%q differ, want %q", got, want)
	}
}

func TestIssue10_5_WhatBringsAKeyIntoForce(t *testing.T) {
	for _, tt := range []struct {
		manager, key string
		want         service.TakenBy
	}{
		{"systemd", "log.level", service.TakenByReload},
		{"", "log.level", service.TakenByReload},
		{"systemd", "alarm.command", service.TakenByReload},
		{"", "alarm.every", service.TakenByReload},
		{"systemd", "health_interval", service.TakenByRestart},
		{"systemd", "log.format", service.TakenByRestart},
		{"systemd", "user", service.TakenByInstall},
		{"systemd", "limits.nofile", service.TakenByInstall},
		{"systemd", "systemd.extra", service.TakenByInstall},
		{"systemd", "windows.start", ""},
		{"scm", "windows.start", service.TakenByInstall},
		{"kubernetes", "container.image", service.TakenByInstall},
		{"scm", "container.image", ""},
		{"", "launchd.extra", ""},
		{"", "user", service.TakenByRestart},
		{"sysv", "watchdog", service.TakenByRestart}, // the script leaves it out, but the program honours it
		{"systemd", "watchdog", service.TakenByInstall},
	} {
		if got := service.Takes(tt.manager, platform.ScopeSystem, tt.key); got != tt.want {
			t.Errorf("%s of %q: %q, want %q", tt.key, tt.manager, got, tt.want)
		}
	}
	for _, key := range service.Keys() { // a renamed key must not be forgotten
		if got := service.Takes("systemd", platform.ScopeSystem, key.Name); got == "" && !slices.Contains([]string{"launchd", "windows", "container"}, strings.Split(key.Name, ".")[0]) {
			t.Errorf("nothing brings %s into force", key.Name)
		}
	}
}

// After `user = "alice"` and a reload, the log used to say that the key takes effect at the
// next start. That is not true of keys in the service definition.
func TestIssue10_5_AReloadSaysWhatBringsTheRestIn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.File = write(t, "")
		b.run(t.Context(), &program{
			start:  func(context.Context, *service.Runtime) error { return nil },
			reload: func(context.Context) error { return nil },
		})
		b.await(platform.PhaseReady)
		before := b.state().Settings
		text := "[service]\nuser = \"alice\"\nhealth_interval = \"7s\"\n[service.limits]\nnofile = 77\n[service.log]\nlevel = \"warn\"\n[service.windows]\nstart = \"auto\"\n"
		if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.cfg.Log.Level = "" // the level in the file counts
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		synctest.Wait() // the log has it
		log := b.logText()
		for _, want := range []string{
			`restart applies them: keys=health_interval`,
			`install --restart applies them, a restart alone does not: keys="limits.nofile, user"`,
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %q:\n%s", want, log)
			}
		}
		if got := service.Differing(before, b.state().Settings); !slices.Equal(got, []string{"log.level"}) {
			t.Errorf("in force are now other %q", got)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}
