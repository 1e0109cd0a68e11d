//go:build linux

package test_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// unhardened has every switch off.
func unhardened() platform.Hardening {
	const off = platform.Off
	return platform.Hardening{
		NoNewPrivileges: off, ProtectSystem: off, ProtectHome: off, PrivateTmp: off, PrivateDevices: off, ProtectKernel: off,
		ProtectProc: off, RestrictNetwork: off, RestrictSyscalls: off, MemoryDenyWrite: off,
	}
}

// probeUnit is the probe as a service with a configuration's defaults.
func probeUnit(name string, scope platform.Scope, task ...string) platform.Unit {
	const program = "/usr/local/bin/probe"
	return platform.Unit{
		ID:            platform.ID{Name: name, Scope: scope},
		Description:   "a probe",
		Exec:          append([]string{program}, task...),
		Reload:        []string{program, "reload"},
		StartTimeout:  time.Minute,
		StopTimeout:   time.Minute,
		ReloadTimeout: time.Minute,
		Restart:       platform.Restart{Policy: platform.RestartOnFailure, Delay: 100 * time.Millisecond, Max: 2, Window: time.Hour},
	}
}

func TestSystemd(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		installProbe(t, b, "/usr/local/bin/probe")
		root := bedSystem{Bed: b}
		m := managerOn(t, "systemd", root, native.Login{})
		t.Run("verify", func(t *testing.T) { verifyUnits(t, b, m) })
		t.Run("life", func(t *testing.T) {
			managedLife(t, root, m, probeUnit("life", platform.ScopeSystem, "serve"), "/run/life")
		})
		t.Run("any version", func(t *testing.T) {
			u := probeUnit("portable", platform.ScopeSystem, "serve")
			u.Systemd.Version = 252
			managedLife(t, root, m, u, "/run/portable")
		})
		t.Run("instance", func(t *testing.T) {
			u := probeUnit("life", platform.ScopeSystem, "serve")
			u.Instance = "west"
			managedLife(t, root, m, u, "/run/life@west")
		})
		t.Run("account", func(t *testing.T) {
			b.MustRun(t, "useradd", "--system", "feed")
			u := probeUnit("account", platform.ScopeSystem, "serve")
			u.User, u.Watchdog, u.Hardening.Capabilities = "feed", time.Minute, []string{"CAP_NET_BIND_SERVICE"}
			managedLife(t, root, m, u, "/run/account")
		})
		t.Run("user", func(t *testing.T) {
			uid, err := b.AddUser(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			ann := bedSystem{Bed: b, user: "ann"}
			runtime := "/run/user/" + strconv.Itoa(uid)
			mine := managerOn(t, "systemd", ann, native.Login{Home: "/home/ann", RuntimeDir: runtime})
			managedLife(t, ann, mine, probeUnit("probe", platform.ScopeUser, "serve"), runtime+"/probe")
		})
		t.Run("failures", func(t *testing.T) { failures(t, root, m) })
		t.Run("restarts", func(t *testing.T) { restarts(t, root, m) })
		t.Run("foreign", func(t *testing.T) { foreign(t, root, m) })
		t.Run("undo", func(t *testing.T) { undone(t, root, m) })
	})
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// verifyUnits lets systemd itself check the defaults, and a unit with every line that we can
// write.
func verifyUnits(t *testing.T, b *bed.Bed, m platform.Manager) {
	b.MustRun(t, "useradd", "--system", "probe")
	b.MustRun(t, "mkdir", "-p", "/srv/a dir")
	core := uint64(0)
	full := probeUnit("full", platform.ScopeSystem, "serve", `a "b" 100% $HOME ;`)
	full.Instance, full.User, full.Group, full.WorkingDirectory = "one", "probe", "probe", "/srv/a dir"
	full.Env = map[string]string{"A": "b c", "B": `"%$\`}
	full.After, full.Requires = []string{"dbus", "network.target"}, []string{"dbus"}
	full.Watchdog = 10 * time.Second
	full.Limits = platform.Limits{NoFile: 4096, NProc: 100, Core: &core, Memory: 1 << 30, Tasks: 100, CPU: 50, Nice: 5}
	full.Hardening.ReadWritePaths, full.Hardening.SupplementaryGroups = []string{"/srv/a dir"}, []string{"adm"}
	full.Hardening.Capabilities = []string{"CAP_NET_BIND_SERVICE"}
	full.StateDir = "/srv/a dir"
	full.Systemd = platform.Systemd{Extra: []string{"OOMScoreAdjust=100"}, WantedBy: "graphical.target"}
	for _, tt := range []struct {
		unit  platform.Unit
		limit float64
	}{
		{probeUnit("defaults", platform.ScopeSystem, "serve"), 2.0},
		{full, 2.0},
	} {
		steps, err := m.Plan(t.Context(), tt.unit)
		if err != nil {
			t.Fatal(err)
		}
		var file string
		for _, step := range steps {
			if step.Kind == platform.StepWriteFile {
				file = step.Path
				if err := b.Write(file, step.Content, step.Mode); err != nil {
					t.Fatal(err)
				}
			}
		}
		name := tt.unit.ID.String() + ".service"
		// It exits with 0 even if it does not know a key.
		if _, stderr, code, err := b.Run(t.Context(), "systemd-analyze", "verify", file); err != nil || code != 0 || stderr != "" {
			t.Errorf("verify %s: code %d, %v: %s", name, code, err, stderr)
		}
		b.MustRun(t, "systemctl", "daemon-reload")
		out := b.MustRun(t, "systemd-analyze", "security", "--no-pager", name)
		found := exposure.FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("security %s: %s", name, out)
		}
		if level, err := strconv.ParseFloat(found[1], 64); err != nil || level > tt.limit {
			t.Errorf("security %s: %s, want at most %v:\n%s", name, found[1], tt.limit, out)
		}
		t.Logf("security %s: %s", name, found[1])
	}
}

// managedLife takes one service from installation to removal.
func managedLife(t *testing.T, sys bedSystem, m platform.Manager, u platform.Unit, runtimeDir string) {
	ctx, id := t.Context(), u.ID
	steps, err := m.Plan(ctx, u)
	sys.apply(t, steps, err)
	sys.apply(t, steps, nil) // again: nothing but the same
	want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseStopped})
	if err := m.Reload(ctx, id); !errors.Is(err, platform.ErrNotRunning) {
		t.Errorf("reload of what does not run: %v", err)
	}

	begin := time.Now().Add(-time.Second) // systemd's clock and ours are one; what is told is rounded
	if err := m.Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	st := want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady, Text: "up"})
	if st.PID == 0 || st.Since.Before(begin) || st.Since.After(time.Now()) {
		t.Errorf("status %+v", st)
	}
	needs, err := sys.Read(runtimeDir + "/needs")
	if err != nil {
		t.Fatal(err)
	}
	if report := "ok\ndirect true, watchdog " + u.Watchdog.String() + ", children get []\n"; string(needs) != report {
		t.Errorf("the service reports %q, want %q", needs, report)
	}

	// One request causes one reload, and its outcome is returned.
	if err := m.Reload(ctx, id); err != nil {
		t.Error(err)
	}
	want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady, Text: "reload 1: ok"})
	if err := sys.WriteFile(runtimeDir+"/reject", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(ctx, id); !errors.Is(err, platform.ErrRejected) {
		t.Errorf("rejected reload: %v", err)
	}
	after := want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady, Text: "reload 2: rejected"})
	if after.PID != st.PID || !after.Since.Equal(st.Since) {
		t.Errorf("reloads changed %+v to %+v", st, after)
	}
	if err := m.Reload(ctx, id); err != nil {
		t.Errorf("reload after a rejected one: %v", err)
	}

	if err := m.Restart(ctx, id); err != nil {
		t.Error(err)
	}
	again := want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady, Text: "up"})
	if again.PID == st.PID {
		t.Errorf("restart left process %d", st.PID)
	}
	wait.Until(t, "journald has read its log", func() bool {
		out, err := sys.Run(ctx, m.Logs(id, 50, false)...)
		return err == nil && strings.Contains(out, "probe")
	})
	for range 2 {
		if err := m.Stop(ctx, id); err != nil {
			t.Error(err)
		}
	}
	end := want(t, m, id, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseStopped})
	if end.LastExit == nil || !end.LastExit.Clean {
		t.Errorf("last exit %+v, want a clean one", end.LastExit)
	}

	steps, err = m.Removal(ctx, id)
	sys.apply(t, steps, err)
	want(t, m, id, platform.Status{Phase: platform.PhaseStopped})
	if err := m.Start(ctx, id); !errors.Is(err, platform.ErrNotInstalled) {
		t.Errorf("start of what is removed: %v", err)
	}
	for _, dir := range []string{runtimeDir, "/var/lib/" + id.String(), "/var/log/" + id.String()} {
		if _, err := sys.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", dir)
		}
	}
	if steps, err := m.Removal(ctx, id); err != nil || len(steps) != 0 {
		t.Errorf("removal of what is removed: %v, %v", steps, err)
	}
}

// want compares everything that does not depend on time or chance.
func want(t *testing.T, m platform.Manager, id platform.ID, w platform.Status) platform.Status {
	t.Helper()
	got, err := m.Status(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Installed != w.Installed || got.Enabled != w.Enabled || got.Phase != w.Phase || w.Text != "" && got.Text != w.Text {
		t.Errorf("status %+v, want %+v", got, w)
	}
	return got
}

// failures checks that each kind of failure is recognised.
func failures(t *testing.T, sys bedSystem, m platform.Manager) {
	ctx := t.Context()
	absent := platform.ID{Name: "absent", Scope: platform.ScopeSystem}
	want(t, m, absent, platform.Status{Phase: platform.PhaseStopped})
	for verb, do := range map[string]func(context.Context, platform.ID) error{
		"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload,
	} {
		if err := do(ctx, absent); !errors.Is(err, platform.ErrNotInstalled) {
			t.Errorf("%s of a service that is not there: %v", verb, err)
		}
	}

	// Exit codes after which a start would fail again: there is no restart, and the files in
	// the runtime directory stay.
	refused := probeUnit("refused", platform.ScopeSystem, "fail", strconv.Itoa(platform.ExitAlreadyRunning))
	steps, err := m.Plan(ctx, refused)
	sys.apply(t, steps, err)
	if err := sys.WriteFile("/run/refused/refused.pid", []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err = m.Start(ctx, refused.ID)
	if err == nil || !strings.Contains(err.Error(), "exit code 75") || !strings.Contains(err.Error(), "journalctl") {
		t.Errorf("start of what ends with 75: %v", err)
	}
	st := want(t, m, refused.ID, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseFailed})
	if st.Restarts != 0 || st.LastExit == nil || st.LastExit.Code != 75 || st.LastExit.Clean {
		t.Errorf("status %+v, exit %+v", st, st.LastExit)
	}
	if got, err := sys.Read("/run/refused/refused.pid"); err != nil || string(got) != "1\n" {
		t.Errorf("the other instance's PID file: %q, %v", got, err)
	}

	hanging := probeUnit("hanging", platform.ScopeSystem, "hang")
	hanging.Systemd.Extra = []string{"TimeoutStartSec=1"} // ours is never that short
	hanging.Restart = platform.Restart{Policy: platform.RestartNever}
	steps, err = m.Plan(ctx, hanging)
	sys.apply(t, steps, err)
	if err := m.Start(ctx, hanging.ID); !errors.Is(err, platform.ErrTimeout) {
		t.Errorf("start of what hangs: %v", err)
	}
	want(t, m, hanging.ID, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseFailed})

	// A user without permission may ask, but not act.
	if _, stderr, code, err := sys.RunAs(ctx, "probe", "true"); err != nil || code != 0 {
		t.Fatalf("user probe: %d, %v: %s", code, err, stderr)
	}
	other := managerOn(t, "systemd", bedSystem{Bed: sys.Bed, user: "probe"}, native.Login{})
	want(t, other, hanging.ID, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseFailed})
	if err := other.Start(ctx, hanging.ID); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("start by somebody: %v", err)
	}
	for _, id := range []platform.ID{refused.ID, hanging.ID} {
		steps, err := m.Removal(ctx, id)
		sys.apply(t, steps, err)
		want(t, m, id, platform.Status{Phase: platform.PhaseStopped})
	}
}

// restarts checks that there is a restart after a death that systemd considers clean, and not
// more often than allowed.
func restarts(t *testing.T, sys bedSystem, m platform.Manager) {
	ctx := t.Context()
	u := probeUnit("deaf", platform.ScopeSystem, "deaf")
	steps, err := m.Plan(ctx, u)
	sys.apply(t, steps, err)
	if err := m.Start(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	// Two restarts within the window, and no third.
	for n, phase := range []platform.Phase{platform.PhaseReady, platform.PhaseReady, platform.PhaseFailed} {
		before, err := m.Status(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		sys.MustRun(t, "kill", "-HUP", strconv.Itoa(before.PID))
		st := await(t, m, u.ID, func(st platform.Status) bool { return st.PID != before.PID && st.Phase == phase })
		if st.Restarts != min(n+1, 2) || st.GaveUp != (n == 2) { // the last one was refused
			t.Errorf("after death %d: %+v", n+1, st)
		}
	}
	if err := m.Start(ctx, u.ID); err != nil {
		t.Errorf("start after too many restarts: %v", err)
	}
	if st := want(t, m, u.ID, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady}); st.Restarts != 0 {
		t.Errorf("status %+v", st)
	}
	steps, err = m.Removal(ctx, u.ID)
	sys.apply(t, steps, err)
	want(t, m, u.ID, platform.Status{Phase: platform.PhaseStopped})
}

// await asks until it is so.
func await(t *testing.T, m platform.Manager, id platform.ID, so func(platform.Status) bool) platform.Status {
	t.Helper()
	var st platform.Status
	wait.Until(t, "the status is as it has to be", func() bool {
		var err error
		if st, err = m.Status(t.Context(), id); err != nil {
			t.Fatalf("%v; last: %+v", err, st)
		}
		return so(st)
	}, func() string { return fmt.Sprintf("it is %+v", st) })
	return st
}

// foreign units are neither replaced nor removed.
func foreign(t *testing.T, sys bedSystem, m platform.Manager) {
	ctx := t.Context()
	refuse := func(name string) {
		t.Helper()
		steps, err := m.Plan(ctx, probeUnit(name, platform.ScopeSystem, "serve"))
		if !errors.Is(err, platform.ErrPermission) {
			t.Errorf("plan over foreign %s: %v, %v", name, steps, err)
		}
	}
	refuse("systemd-logind") // shipped by the distribution
	if err := sys.Write("/etc/systemd/system/theirs.service", []byte("[Service]\nExecStart=/bin/true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refuse("theirs")
	if steps, err := m.Removal(ctx, platform.ID{Name: "theirs", Scope: platform.ScopeSystem}); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("removal of a foreign unit: %v, %v", steps, err)
	}
	sys.MustRun(t, "systemctl", "mask", "--quiet", "hidden.service")
	refuse("hidden")
}

// undone is an installation that was taken back: the machine is as before.
func undone(t *testing.T, sys bedSystem, m platform.Manager) {
	ctx := t.Context()
	u := probeUnit("undone", platform.ScopeSystem, "serve")
	steps, err := m.Plan(ctx, u)
	sys.apply(t, steps, err)
	sys.undo(t, steps, nil)
	want(t, m, u.ID, platform.Status{Phase: platform.PhaseStopped})

	// A removal that was taken back: it runs again, and is enabled.
	sys.apply(t, steps, nil)
	if err := m.Start(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	removal, err := m.Removal(ctx, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	previous := map[string][]byte{}
	for _, step := range steps {
		if step.Kind == platform.StepWriteFile {
			previous[step.Path] = step.Content
		}
	}
	sys.apply(t, removal, nil)
	sys.undo(t, removal, previous)
	want(t, m, u.ID, platform.Status{Installed: true, Enabled: true, Phase: platform.PhaseReady})
	sys.apply(t, removal, nil)
}
