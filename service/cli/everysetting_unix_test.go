//go:build unix

package cli_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// settings are values that are not the defaults.
var settings = map[string]string{ //nolint:gochecknoglobals // a table
	"description": `"another"`, "args": `["--fast", "a b"]`, "env": `{A = "b c"}`, "user": `"feed"`, "group": `"feed"`,
	"working_directory": `"/usr"`, "umask": `"0077"`, "after": `["other"]`, "requires": `["other"]`, "wants": `["other"]`, "needs_network": "true",
	"start_timeout": `"77s"`, "stop_timeout": `"78s"`, "reload_timeout": `"79s"`, "watchdog": `"20s"`, "supervise": "true",
	"restart.policy": `"always"`, "restart.delay": `"17s"`, "restart.max": "7", "restart.window": `"2h"`,
	"restart.backoff": "2.5", "restart.max_delay": `"3h"`, "restart.jitter": "0.5", "restart.reset_after": `"4h"`,
	"limits.nofile": "4097", "limits.nproc": "77", "limits.core": "0", "limits.memory": `"77M"`, "limits.tasks": "78", "limits.cpu": "50", "limits.nice": "5",
	"hardening.no_new_privileges": "false", "hardening.protect_system": "false", "hardening.protect_home": "false", "hardening.private_devices": "false",
	"hardening.protect_kernel": "false", "hardening.protect_proc": "false", "hardening.restrict_network": "false", "hardening.restrict_syscalls": "false",
	"hardening.memory_deny_write_execute": "false", "hardening.capabilities": `["CAP_NET_BIND_SERVICE"]`, "hardening.read_write_paths": `["/usr"]`,
	"hardening.supplementary_groups": `["feed"]`, "log.file": `"/usr/feedd.log"`, "log.level": `"debug"`,
	"systemd.extra": `["LimitLOCKS=7"]`, "systemd.unit_extra": `["Documentation=man:feedd(8)"]`, "systemd.wanted_by": `"graphical.target"`,
	"launchd.process_type": `"Background"`, "launchd.session_create": "true", "launchd.extra": `{Nice = 3}`,
}

// Each setting, changed alone, changes exactly what an install announces. A second install
// changes nothing and says so. After the setting is reverted, the definition is as before. If
// the manager cannot honour a setting, the install is refused and changes nothing.
func TestIssue11_EachSettingIsOneDifference(t *testing.T) {
	for _, manager := range []string{"systemd", "sysv", "openrc", "launchd"} {
		if manager == "launchd" && os.Geteuid() != 0 {
			t.Log("launchd wants property lists of root's")
			continue
		}
		t.Run(manager, func(t *testing.T) {
			s := newStage(t, filepath.Join(t.TempDir(), "m"), manager, noon)
			file := filepath.Join(t.TempDir(), "feedd.toml")
			s.p.cfg.File, s.p.cfg.RuntimeDir, s.p.cfg.StateDir = file, "", ""
			set := func(line string) {
				if err := os.WriteFile(file, []byte("[service]\nhardening.private_tmp = false\n"+line+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			set("")
			if err := errors.Join(s.empty(), s.put("/fake/users/feed", ""), s.put("/fake/groups/feed", ""), os.MkdirAll(s.root+"/usr", 0o755)); err != nil {
				t.Fatal(err)
			}
			const install = "install --program /opt/feedd"
			if err := s.run(install); err != nil {
				t.Fatal(err)
			}
			base := s.snapshot()
			counts := map[string]int{}
			for _, key := range slices.Sorted(maps.Keys(settings)) {
				set(key + " = " + settings[key])
				planned := s.diff(t)
				err := s.run(install)
				said := s.p.out.String()
				now := s.snapshot()
				changed := files2(base, now)
				switch taken := service.Takes(manager, platform.ScopeSystem, key) == service.TakenByInstall; {
				case err != nil:
					counts["refused"]++
					if d := differ(now, base); d != "" || !errors.Is(err, service.ErrConfig) && !errors.Is(err, platform.ErrBadUnit) {
						t.Errorf("%s: refused with %v, and changed\n%s", key, err, d)
					}
				case !taken:
					counts["of no concern to the manager"]++
					if len(planned)+len(changed) > 0 || !strings.Contains(said, "nothing has changed") {
						t.Errorf("%s: planned %q, changed %q, said %s", key, planned, changed, said)
					}
				default:
					counts["installed"]++
					if !slices.Equal(planned, changed) || len(changed) != 1 && !within(manager, key) {
						t.Errorf("%s: planned %q, changed %q", key, planned, changed)
					}
					if err := s.run(install); err != nil || !strings.Contains(s.p.out.String(), "nothing has changed") || differ(s.snapshot(), now) != "" {
						t.Errorf("%s: again: %v, %s%s", key, err, &s.p.out, differ(s.snapshot(), now))
					}
				}
				set("")
				if err := s.run(install); err != nil || differ(s.snapshot(), base) != "" {
					t.Errorf("%s, taken back: %v\n%s", key, err, differ(s.snapshot(), base))
				}
			}
			t.Log(counts)
		})
	}
}

// within reports whether a manager's definition may already contain a setting, derived from
// others.
func within(manager, key string) bool {
	return key == "log.file" && manager != "systemd" || // only systemd has to open its directory
		key == "restart.delay" && manager == "launchd" // it knows one interval, which restart.window and restart.max may rule
}

// diff returns the files that an install would change.
func (s *stage) diff(t *testing.T) (paths []string) {
	t.Helper()
	if s.run("plan --diff --json --program /opt/feedd") != nil {
		return nil
	}
	all, _ := s.p.json()["changes"].([]any)
	for _, c := range all {
		path, _ := c.(map[string]any)["path"].(string)
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// files2 returns the files of the manager in which two snapshots differ, without install's own
// records.
func files2(before, after map[string]string) (paths []string) {
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if before[path] != after[path] && !strings.Contains(path, "/var/lib/holdfast") {
			paths = append(paths, path)
		}
	}
	return paths
}
