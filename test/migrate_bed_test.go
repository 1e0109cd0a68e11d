//go:build linux

package test_test

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/migrate"
	"github.com/holdfast-dev/holdfast/test/bed"
)

// compared maps properties of a service, as shown by systemctl show, to the keys of a unit
// that set them.
var compared = map[string][]string{
	"Description": nil, "User": {"User"}, "Group": {"Group"}, "UMask": {"UMask"}, "WorkingDirectory": nil, "RootDirectory": nil, "Environment": {"Environment"},
	"EnvironmentFiles": nil, "Restart": {"Restart"}, "RestartUSec": {"RestartSec"}, "StartLimitBurst": {"StartLimitBurst"},
	"StartLimitIntervalUSec": {"StartLimitIntervalSec", "StartLimitInterval"}, "TimeoutStopUSec": {"TimeoutStopSec", "TimeoutSec"},
	"LimitNOFILE": nil, "LimitNOFILESoft": nil, "LimitNPROC": nil, "LimitCORE": nil, "LimitMEMLOCK": nil, "MemoryMax": nil, "TasksMax": nil,
	"CPUQuotaPerSecUSec": nil, "Nice": nil, "CapabilityBoundingSet": nil, "AmbientCapabilities": nil, "NoNewPrivileges": nil, "RestrictSUIDSGID": nil,
	"ProtectSystem": nil, "ProtectHome": nil, "PrivateTmp": nil, "PrivateDevices": nil, "DevicePolicy": nil, "ProtectKernelTunables": nil,
	"ProtectKernelModules": nil, "ProtectKernelLogs": nil, "ProtectControlGroups": nil, "ProtectClock": nil, "ProtectHostname": nil, "ProtectProc": nil,
	"RestrictAddressFamilies": nil, "RestrictRealtime": nil, "RestrictNamespaces": nil, "LockPersonality": nil, "MemoryDenyWriteExecute": nil,
	"SystemCallFilter": nil, "SystemCallArchitectures": nil, "SupplementaryGroups": nil, "ReadWritePaths": nil, "PrivateNetwork": nil, "DeviceAllow": nil,
	"OOMScoreAdjust": nil, "StandardOutput": nil, "KillSignal": nil, "SendSIGHUP": nil, "IPAddressDeny": nil, "Documentation": nil,
}

// Units that Debian ships are converted by migrate, and systemd understands the result in the
// same way, except for the settings that migrate reports as lost.
func TestMigrateUnitsOfDebian(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		root := bedSystem{Bed: b}
		m := managerOn(t, "systemd", root, native.Login{})
		files := strings.Fields(b.MustRun(t, "find", "/usr/lib/systemd/system", "/lib/systemd/system/", "-maxdepth", "1", "-type", "f", "-name", "*.service", "!", "-name", "*@.service"))
		moved, refused, lost := map[string]*migrate.Found{}, 0, 0
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".service")
			if moved[name] != nil {
				continue // /lib is /usr/lib
			}
			text, err := b.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := migrate.Read(file, string(text))
			if errors.Is(err, migrate.ErrUnknown) && !strings.Contains(string(text), "[Service]") {
				continue // systemd does itself what it is for
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if len(f.Command) == 0 {
				refused++ // more than one command, or none
				continue
			}
			if !path.IsAbs(f.Command[0]) { // systemd looks for it
				f.Command[0] = "/usr/bin/" + f.Command[0]
			}
			u, err := f.Config.Unit(f.Command[0], platform.ScopeSystem)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			u.Name, u.Exec, u.Reload = "moved-"+name, f.Command, nil
			steps, err := m.Plan(t.Context(), u)
			if errors.Is(err, platform.ErrBadUnit) {
				t.Logf("%s is refused: %v", name, err)
				refused++
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			for _, s := range steps {
				if s.Kind == platform.StepWriteFile {
					root.apply(t, []platform.Step{s}, nil)
				}
			}
			moved[name] = f
			lost += len(f.Lost)
		}
		b.MustRun(t, "systemctl", "daemon-reload")
		names := slices.Sorted(maps.Keys(moved))
		before, after := properties(t, b, names, ""), properties(t, b, names, "moved-")
		same, differ := 0, 0
		for _, name := range names {
			// The bed itself has masked or changed these, so they are not what migrate reads.
			if before[name]["LoadState"] != "loaded" || before[name]["DropInPaths"] != "" {
				continue
			}
			for property, keys := range compared {
				was, is := before[name][property], after[name][property]
				if was == is {
					same++
					continue
				}
				keys = append(slices.Clone(keys), property)
				if slices.ContainsFunc(moved[name].Lost, func(l migrate.Lost) bool { return slices.Contains(keys, l.Key) }) {
					differ++
					continue
				}
				t.Errorf("%s: %s was %q and is %q; lost: %v", name, property, was, is, moved[name].Lost)
			}
		}
		t.Logf("%d units of %d moved, %d refused by name; %d properties alike, %d told to be lost, %d notes", len(moved), len(moved)+refused, refused, same, differ, lost)
		if len(moved) < 20 {
			t.Errorf("only %d units were compared", len(moved))
		}
	})
}

// properties returns the properties of services, by name.
func properties(t *testing.T, b *bed.Bed, names []string, prefix string) map[string]map[string]string {
	t.Helper()
	argv := []string{"systemctl", "show", "--property=" + strings.Join(slices.Sorted(maps.Keys(compared)), ","), "--property=Id,LoadState,DropInPaths"}
	for _, name := range names {
		argv = append(argv, prefix+name+".service")
	}
	all := map[string]map[string]string{}
	for block := range strings.SplitSeq(b.MustRun(t, argv...), "\n\n") {
		of := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			for _, word := range strings.Fields(value) { // a list may stand in several lines, and have a word twice
				if !slices.Contains(strings.Fields(of[key]), word) {
					of[key] = strings.TrimSpace(of[key] + " " + word)
				}
			}
		}
		all[strings.TrimPrefix(strings.TrimSuffix(of["Id"], ".service"), prefix)] = of
	}
	return all
}
