package systemd_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

var update = flag.Bool("update", false, "write the golden files anew")

// unhardened returns a Hardening with every switch off.
func unhardened() platform.Hardening {
	const off = platform.Off
	return platform.Hardening{
		NoNewPrivileges: off, ProtectSystem: off, ProtectHome: off, PrivateTmp: off, PrivateDevices: off, ProtectKernel: off,
		ProtectProc: off, RestrictNetwork: off, RestrictSyscalls: off, MemoryDenyWrite: off,
	}
}

// feedd returns a service with the defaults of a Config.
func feedd() platform.Unit {
	return platform.Unit{
		ID:            platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Description:   "Feeds the shipper",
		Exec:          []string{"/usr/local/bin/feedd", "run", "--config", "/etc/feedd/feedd.toml"},
		Reload:        []string{"/usr/local/bin/feedd", "reload", "--config", "/etc/feedd/feedd.toml"},
		StartTimeout:  30 * time.Second,
		StopTimeout:   20 * time.Second,
		ReloadTimeout: time.Minute,
		Restart:       platform.Restart{Policy: platform.RestartOnFailure, Delay: 2 * time.Second, Max: 5, Window: time.Minute},
	}
}

func everything() platform.Unit {
	u := feedd()
	mask, core := fs.FileMode(0o077), uint64(0)
	u.Instance = "west"
	u.Exec = []string{"/opt/feed d/100%/feedd", "run", "", "a b", `say "hi" \o/`, "50%", "$HOME", "${HOME}", ";", "line\nbreak", "-x=y", "naïve"}
	u.Env = map[string]string{"B": "two words", "A": `quote " back \ percent % dollar $`, "EMPTY": ""}
	u.User, u.Group = "feed", "feed-g"
	u.WorkingDirectory = "/srv/feed d/100%"
	u.Umask = &mask
	u.RuntimeDir, u.StateDir = "/srv/run", "/srv/state dir"
	u.After, u.Requires = []string{"postgresql", "network-online.target"}, []string{"postgresql"}
	u.Watchdog = 1500 * time.Millisecond
	u.Restart = platform.Restart{Policy: platform.RestartAlways, Delay: 100 * time.Millisecond, Max: platform.NoLimit}
	u.Limits = platform.Limits{NoFile: 65536, NProc: 100, Core: &core, Memory: 1 << 30, Tasks: 512, CPU: 150, Nice: -5}
	u.Hardening.Capabilities = []string{"CAP_NET_BIND_SERVICE", "CAP_DAC_READ_SEARCH"}
	u.Hardening.ReadWritePaths = []string{`/srv/out "1"`}
	u.Hardening.SupplementaryGroups = []string{"adm", "systemd-journal"}
	u.Wants, u.NeedsNetwork = []string{"memcached"}, true
	u.Systemd = platform.Systemd{
		Extra: []string{"OOMScoreAdjust=-500", "Slice=feeds.slice"}, UnitExtra: []string{"AssertPathExists=/srv", "PartOf=feeds.target"},
		WantedBy: "graphical.target",
	}
	return u
}

func plain() platform.Unit {
	h := unhardened()
	h.Capabilities = []string{"all"}
	return platform.Unit{
		ID:        platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Exec:      []string{"/usr/local/bin/feedd", "run"},
		Hardening: h,
		Restart:   platform.Restart{Policy: platform.RestartNever, Max: platform.NoLimit},
	}
}

func ofUser() platform.Unit {
	u := feedd()
	u.Scope = platform.ScopeUser
	u.Exec[0], u.Reload[0] = "/home/ann/bin/feedd", "/home/ann/bin/feedd"
	u.Hardening.ReadWritePaths = []string{"/home/ann/out"}
	return u
}

func TestRender(t *testing.T) {
	for _, tt := range []struct {
		name    string
		unit    platform.Unit
		version int
	}{
		{"defaults-257", feedd(), 257},
		{"defaults-any", feedd(), 0},
		{"everything-252", everything(), 252},
		{"plain-257", plain(), 257},
		{"user-253", ofUser(), 253},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := systemd.Render(tt.unit, tt.version)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", tt.name+".service")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("differs from %s (-update writes it):\n%s", golden, got)
			}
		})
	}
}

// systemd has room for what the service opens, and for files that it keeps.
func TestRenderSockets(t *testing.T) {
	u := feedd()
	for range 40 {
		u.Sockets = append(u.Sockets, platform.Socket{Name: "api", Listen: "tcp::80"})
	}
	u.Systemd.PreserveSockets = true
	for version, want := range map[int]string{0: "preserve", 254: "preserve", 253: "systemd.preserve_sockets true: systemd 253 cannot, 254 and later can"} {
		got, err := systemd.Render(u, version)
		if want == "preserve" && (err != nil || !strings.Contains(string(got), "\nFileDescriptorStoreMax=144\nFileDescriptorStorePreserve=yes\n")) {
			t.Errorf("%d: %v\n%s", version, err, got)
		}
		if want != "preserve" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: %v", version, err)
		}
	}
	u.Sockets, u.Systemd.PreserveSockets = u.Sockets[:1], false
	if got, err := systemd.Render(u, 252); err != nil || !strings.Contains(string(got), "\nFileDescriptorStoreMax=66\n") || strings.Contains(string(got), "DescriptorStorePreserve") {
		t.Errorf("%v\n%s", err, got)
	}
	u.Sockets = nil
	if got, err := systemd.Render(u, 257); err != nil || !strings.Contains(string(got), "\nFileDescriptorStoreMax=64\n") {
		t.Errorf("%v\n%s", err, got)
	}
}

// systemd considers the death by some signals a clean end, and a panic's exit code an ordinary
// failure. What follows must not depend on the manager.
func TestRenderRestartPolicies(t *testing.T) {
	for policy, want := range map[platform.RestartPolicy]string{
		platform.RestartOnFailure:  "Restart=on-failure\nRestartSec=2s\nRestartForceExitStatus=SIGHUP SIGPIPE\nRestartPreventExitStatus=75 77 78\n",
		platform.RestartOnSuccess:  "Restart=on-success\nRestartSec=2s\nRestartPreventExitStatus=75 77 78 SIGHUP SIGINT SIGPIPE SIGTERM\n",
		platform.RestartOnAbnormal: "Restart=on-abnormal\nRestartSec=2s\nRestartForceExitStatus=SIGHUP SIGPIPE 70\nRestartPreventExitStatus=75 77 78\n",
		platform.RestartNever:      "SuccessExitStatus=3 4\nRestart=no\n",
	} {
		u := feedd()
		u.Restart = platform.Restart{Policy: policy, Success: []int{3, 4}}
		got, err := systemd.Render(u, 257)
		if err != nil || !strings.Contains(string(got), "SuccessExitStatus=3 4\n") || !strings.Contains(string(got), want) {
			t.Errorf("%s: %v\n%s\ndoes not have\n%s", policy, err, got, want)
		}
	}
}

// Settings that cannot be expressed are refused by name.
func TestRenderRefuses(t *testing.T) {
	tests := []struct {
		name  string
		field string
		spoil func(*platform.Unit)
	}{
		{"no program", "command", func(u *platform.Unit) { u.Exec = nil }},
		{"relative program", "program path", func(u *platform.Unit) { u.Exec[0] = "feedd" }},
		{"quote in program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/it's/feedd" }},
		{"double quote in program", "program path", func(u *platform.Unit) { u.Exec[0] = `/opt/"x"/feedd` }},
		{"backslash in program", "program path", func(u *platform.Unit) { u.Exec[0] = `/opt/a\b` }},
		{"line break in program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/a\nb" }},
		{"variable in program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/${HOME}/feedd" }},
		{"dollars in program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/$$/feedd" }},
		{"dots in program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/../feedd" }},
		{"directory as program", "program path", func(u *platform.Unit) { u.Exec[0] = "/opt/feedd/" }},
		{"root as program", "program path", func(u *platform.Unit) { u.Exec[0] = "/" }},
		{"NUL in argument", "argument", func(u *platform.Unit) { u.Exec = append(u.Exec, "a\x00b") }},
		{"bad UTF-8 in argument", "argument", func(u *platform.Unit) { u.Exec = append(u.Exec, "\xff") }},
		{"huge argument", "ExecStart", func(u *platform.Unit) { u.Exec = append(u.Exec, strings.Repeat("x", 1<<20)) }},
		{"relative reload program", "reload command", func(u *platform.Unit) { u.Reload[0] = "feedd" }},
		{"line break in description", "description", func(u *platform.Unit) { u.Description = "a\nExecStart=/bin/evil" }},
		{"backslash ends description", "description", func(u *platform.Unit) { u.Description = `a\` }},
		{"bad name", "name", func(u *platform.Unit) { u.Name = "a/b" }},
		{"bad instance", "name", func(u *platform.Unit) { u.Instance = "a b" }},
		{"name of a system directory", "name", func(u *platform.Unit) { u.Name = "systemd" }},
		{"no scope", "scope", func(u *platform.Unit) { u.Scope = "" }},
		{"env name", "env", func(u *platform.Unit) { u.Env = map[string]string{"A-B": "x"} }},
		{"env name with digit", "env", func(u *platform.Unit) { u.Env = map[string]string{"1A": "x"} }},
		{"no env name", "env", func(u *platform.Unit) { u.Env = map[string]string{"": "x"} }},
		{"env of systemd", "env", func(u *platform.Unit) { u.Env = map[string]string{"NOTIFY_SOCKET": "x"} }},
		{"env escape", "env", func(u *platform.Unit) { u.Env = map[string]string{"A": "\x1b[m"} }},
		{"env bad UTF-8", "env", func(u *platform.Unit) { u.Env = map[string]string{"A": "\xff"} }},
		{"user", "user", func(u *platform.Unit) { u.User = "a b" }},
		{"group", "group", func(u *platform.Unit) { u.Group = "%u" }},
		{"relative directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "srv" }},
		{"home directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "~" }},
		{"space ends directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "/srv/a " }},
		{"backslash ends directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = `/srv/a\` }},
		{"tab in directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "/srv/a\tb" }},
		{"long directory", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "/" + strings.Repeat("x", 4096) }},
		{"umask", "umask", func(u *platform.Unit) { m := fs.FileMode(0o1777); u.Umask = &m }},
		{"after", "after", func(u *platform.Unit) { u.After = []string{"a b"} }},
		{"after a template", "after", func(u *platform.Unit) { u.After = []string{"getty@"} }},
		{"long requires", "requires", func(u *platform.Unit) { u.Requires = []string{strings.Repeat("x", 250)} }},
		{"wanted by", "systemd.wanted_by", func(u *platform.Unit) { u.Systemd.WantedBy = "multi user" }},
		{"negative timeout", "stop_timeout", func(u *platform.Unit) { u.StopTimeout = -1 }},
		{"policy", "restart.policy", func(u *platform.Unit) { u.Restart.Policy = "sometimes" }},
		{"negative max", "restart.max", func(u *platform.Unit) { u.Restart.Max = -2 }},
		{"nice", "limits.nice", func(u *platform.Unit) { u.Limits.Nice = 20 }},
		{"relative path to write", "hardening.read_write_paths", func(u *platform.Unit) { u.Hardening.ReadWritePaths = []string{"x"} }},
		{"line break in path to write", "hardening.read_write_paths", func(u *platform.Unit) { u.Hardening.ReadWritePaths = []string{"/a\nb"} }},
		{"wanted by no unit", "systemd.wanted_by", func(u *platform.Unit) { u.Systemd.WantedBy = "nope" }},
		{"wanted by no kind of unit", "systemd.wanted_by", func(u *platform.Unit) { u.Systemd.WantedBy = "a.nope" }},
		{"relative state directory", "state_dir", func(u *platform.Unit) { u.StateDir = "x" }},
		{"further group", "supplementary_groups", func(u *platform.Unit) { u.Hardening.SupplementaryGroups = []string{"a b"} }},
		{"capability", "hardening.capabilities", func(u *platform.Unit) { u.Hardening.Capabilities = []string{"CAP_NET_BIND"} }},
		{"capability against a switch", "protect_kernel", func(u *platform.Unit) { u.Hardening.Capabilities = []string{"CAP_SYS_TIME"} }},
		{"capability against another switch", "private_devices", func(u *platform.Unit) { u.Hardening.Capabilities = []string{"CAP_MKNOD"} }},
		{"all capabilities for a user", "hardening.capabilities", func(u *platform.Unit) {
			u.User, u.Hardening.Capabilities = "feed", []string{"all"}
		}},
		{"wants", "wants", func(u *platform.Unit) { u.Wants = []string{"a b"} }},
		{"extra for the unit", "systemd.unit_extra", func(u *platform.Unit) { u.Systemd.UnitExtra = []string{"[Service]"} }},
		{"extra without key", "systemd.extra", func(u *platform.Unit) { u.Systemd.Extra = []string{"[Install]"} }},
		{"extra comment", "systemd.extra", func(u *platform.Unit) { u.Systemd.Extra = []string{"#a=b"} }},
		{"extra of two lines", "systemd.extra", func(u *platform.Unit) { u.Systemd.Extra = []string{"A=b\nC=d"} }},
		{"extra continued", "systemd.extra", func(u *platform.Unit) { u.Systemd.Extra = []string{`A=b\`} }},
		{"program hidden", `program path "/home/ann/feedd": service.hardening.protect_home hides it from the service: install with --copy-to /usr/local/bin, or set that key to false`, func(u *platform.Unit) {
			u.Exec[0] = "/home/ann/feedd"
		}},
		{"argument hidden", `argument "/root/feedd.toml": service.hardening.protect_home hides it from the service: move it, or set that key to false`, func(u *platform.Unit) {
			u.Exec[3] = "/root/feedd.toml"
		}},
		{"flag hidden", `argument "/tmp/feedd.toml": service.hardening.private_tmp hides it`, func(u *platform.Unit) {
			u.Exec[2] = "--config=/tmp/feedd.toml"
		}},
		{"reload hidden", "protect_home", func(u *platform.Unit) { u.Reload[3] = "/run/user/7/x" }},
		{"directory hidden", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "/var/tmp" }},
		{"state hidden", "state_dir", func(u *platform.Unit) { u.StateDir = "/home/ann/state" }},
		{"user of a user's service", "user", func(u *platform.Unit) { u.Scope, u.User = platform.ScopeUser, "ann" }},
		{"capability of a user's service", "capabilities", func(u *platform.Unit) {
			u.Scope, u.Hardening.Capabilities = platform.ScopeUser, []string{"CAP_CHOWN"}
		}},
		{"precedence of a user's service", "limits.nice", func(u *platform.Unit) { u.Scope, u.Limits.Nice = platform.ScopeUser, -1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := feedd()
			tt.spoil(&u)
			got, err := systemd.Render(u, 257)
			if !errors.Is(err, platform.ErrBadUnit) {
				t.Fatalf("error %v, want ErrBadUnit; rendered:\n%s", err, got)
			}
			if !strings.Contains(err.Error(), tt.field) {
				t.Errorf("error %q does not name %q", err, tt.field)
			}
		})
	}
}

// A user's CPU limit works from 252 on.
func TestRenderUserCPU(t *testing.T) {
	u := ofUser()
	u.Limits.CPU = 50
	for version, ok := range map[int]bool{0: true, 251: false, 252: true} {
		if _, err := systemd.Render(u, version); (err == nil) != ok {
			t.Errorf("version %d: %v", version, err)
		}
	}
	u = feedd()
	u.Limits.CPU = 50
	if _, err := systemd.Render(u, 251); err != nil {
		t.Error(err)
	}
}

// Errors do not contain secrets from the environment.
func TestRenderKeepsSecrets(t *testing.T) {
	u := feedd()
	u.Env = map[string]string{"TOKEN": "s3cret\x01"}
	if _, err := systemd.Render(u, 0); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}

// With the switches off, nothing is hidden and nothing is refused.
func TestRenderUnhardened(t *testing.T) {
	u := feedd()
	u.Hardening = unhardened()
	u.Hardening.Capabilities = []string{"CAP_SYS_TIME"}
	u.Exec = []string{"/home/ann/feedd", "--config=/tmp/x"}
	if _, err := systemd.Render(u, 257); err != nil {
		t.Error(err)
	}
}

func TestRenderReportsEverything(t *testing.T) {
	u := feedd()
	u.Description, u.User, u.Exec = "a\nb", "a b", nil
	_, err := systemd.Render(u, 0)
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"description", "user", "command"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error does not name %s: %v", field, err)
		}
	}
}

// Plan does not ask for the exact version of a systemd that is at least the newest one that
// matters.
func TestNoLaterSystemdMatters(t *testing.T) {
	for _, u := range []platform.Unit{feedd(), everything(), activated()} {
		for _, scope := range []platform.Scope{platform.ScopeSystem, platform.ScopeUser} {
			u.Scope = scope
			u.Systemd.PreserveSockets = len(u.Sockets) > 0
			newest, err := systemd.Render(u, systemd.Newest)
			later, e := systemd.Render(u, systemd.Newest+1000)
			if !bytes.Equal(newest, later) || fmt.Sprint(err) != fmt.Sprint(e) {
				t.Errorf("%s:\n%s\n%v\nlater:\n%s\n%v", u.Name, newest, err, later, e)
			}
		}
	}
}
