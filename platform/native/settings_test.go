package native_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A bare is a machine without files and commands, so plans on it are for another machine.
type bare struct{ platform.System }

func (bare) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (bare) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
func (bare) Run(_ context.Context, argv ...string) (string, error) {
	return "", &platform.CommandError{Argv: argv, Code: -1, Err: fs.ErrNotExist}
}

// A place is a manager and a scope.
type place struct {
	manager string
	scope   platform.Scope
}

func places() []place {
	var all []place
	for _, manager := range native.Managers() {
		all = append(all, place{manager, platform.ScopeSystem})
		if manager == "systemd" || manager == "launchd" {
			all = append(all, place{manager, platform.ScopeUser})
		}
	}
	return all
}

func (p place) String() string { return p.manager + ", " + string(p.scope) }

// container reports whether the manager is one of containers, where accounts are numbers.
func (p place) container() bool { return p.manager == "kubernetes" || p.manager == "compose" }

// path returns an absolute path on that manager's system.
func (p place) path(name string) string {
	if p.manager == "scm" {
		return `C:\` + name
	}
	return "/srv/" + name
}

// unit returns a unit that every manager accepts.
func (p place) unit() platform.Unit {
	program := p.path("feedd")
	command := func(verb string) []string { return []string{program, verb} }
	u := platform.Unit{
		ID: platform.ID{Name: "feedd", Scope: p.scope}, DisplayName: "Feed", Description: "Feeds",
		Exec: command("run"), Reload: command("reload"),
		Commands: platform.Commands{
			Check: command("check"), Status: command("status"), Ready: command("ready"), Stop: command("stop"),
			Await: command("await"), Spawn: command("spawn"), Supervise: command("supervise"),
		},
	}.WithDefaults()
	if p.container() {
		u.Exec[0], u.User = "/usr/local/bin/feedd", "0" // a group goes with a user
	}
	return u
}

// plan returns everything that an install of u does.
func (p place) plan(t *testing.T, u platform.Unit) (string, error) {
	t.Helper()
	m, err := native.ManagerOn(p.manager, bare{}, native.Login{UID: 501, Home: "/home/ann"})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := m.Plan(t.Context(), u)
	var text strings.Builder
	for _, s := range steps {
		content := s.Content
		s.Content = nil
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s\n%s\n", b, content)
	}
	return text.String(), err
}

// values returns valid values for some settings, by key. The others are generated.
func (p place) values() map[string]any {
	core, mask, user := uint64(7), fs.FileMode(0o077), "feed"
	if p.manager == "scm" {
		user = `NT SERVICE\feedd`
	}
	group, groups := "changed", []string{"changed"}
	if p.container() {
		user, group, groups = "7", "8", []string{"9"}
	}
	return map[string]any{
		"group": group, "hardening.supplementary_groups": groups,
		"user": user, "umask": &mask, "start_type": platform.StartManual, "root_directory": p.path("root"), "restart.success_exit_codes": []int{3}, "windows.give_up": platform.WindowsReboot, "working_directory": p.path("work"), "runtime_dir": p.path("run"), "state_dir": p.path("state"),
		"after": []string{"other"}, "requires": []string{"other"}, "wants": []string{"other"}, "env": map[string]string{"A": "b"},
		"start_timeout": 3 * time.Minute, "reload_timeout": 4 * time.Minute, "stop_timeout": 5 * time.Minute, "watchdog": 6 * time.Minute,
		"restart.jitter": 0.5, "restart.policy": platform.RestartAlways, "restart.delay": 7 * time.Minute, "restart.max": 8, "restart.window": 9 * time.Hour,
		"limits.core": &core, "hardening.capabilities": []string{"CAP_CHOWN"}, "hardening.read_write_paths": []string{p.path("more")},
		"systemd.wanted_by": "graphical.target", "systemd.extra": []string{"OOMScoreAdjust=5"}, "systemd.unit_extra": []string{"AssertPathExists=/srv"}, "systemd.version": 257,
		"socket":               []platform.Socket{{Name: "api", Listen: "tcp::80"}},
		"activation":           platform.ActivationSocket,
		"launchd.process_type": "Adaptive", "launchd.session_types": []string{"Aqua"}, "launchd.extra": map[string]any{"LowPriorityIO": true},
		"windows.start": platform.WindowsManual, "windows.preshutdown_timeout": 10 * time.Minute, "windows.dependencies": []string{"other"},
	}
}

// notSettings reports whether a field is in no configuration: what a unit is, how it is
// installed, and commands that only managers with scripts use.
func notSettings(key string) bool {
	return slices.Contains([]string{"name", "instance", "scope", "exec", "reload", "adopt", "claim", "config_file", "probes"}, key) || strings.HasPrefix(key, "commands.")
}

// eachSetting visits a unit's fields, and those of the structs in it, by key.
func eachSetting(v reflect.Value, table string, visit func(key string, field reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("toml")
		if key == "" {
			key = snake(field.Name)
		}
		switch {
		case key == "-": // no configuration has it
		case field.Anonymous:
			eachSetting(v.Field(i), table, visit)
		case field.Type.Kind() == reflect.Struct:
			eachSetting(v.Field(i), table+key+".", visit)
		default:
			visit(table+key, v.Field(i))
		}
	}
}

// snake turns WorkingDirectory into working_directory.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// change changes the value of a field.
func change(t *testing.T, field reflect.Value, value any) {
	t.Helper()
	if value != nil {
		field.Set(reflect.ValueOf(value))
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("changed")
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Int8: // a switch
		field.SetInt(int64(platform.Off))
	case reflect.Float64:
		field.SetFloat(5)
	case reflect.Int, reflect.Int64:
		field.SetInt(5)
	case reflect.Uint64:
		field.SetUint(5)
	case reflect.Slice:
		field.Set(reflect.ValueOf([]string{"changed"}))
	default:
		t.Fatalf("%v: teach this test what to set it to", field.Type())
	}
}

// What a manager does with a setting.
const (
	honoured = "yes"
	refused  = "refused"
	leftOut  = "-"
)

// settle asks the manager what it does with a setting.
func (p place) settle(t *testing.T, key string, reason map[string]string) string {
	t.Helper()
	u := p.unit()
	if key == "watchdog" { // Kubernetes has it for services that answer its probes
		u.Probes = ":9100"
	}
	if key == "activation" { // makes no sense without
		u.Sockets = []platform.Socket{{Name: "api", Listen: "tcp::80"}}
	}
	before, err := p.plan(t, u)
	if err != nil {
		t.Fatal(err)
	}
	eachSetting(reflect.ValueOf(&u).Elem(), "", func(k string, field reflect.Value) {
		if k == key {
			change(t, field, p.values()[key])
		}
	})
	after, err := p.plan(t, u)
	table, _, _ := strings.Cut(key, ".")
	_, byKey := reason[key]
	_, byTable := reason[table]
	switch {
	case errors.Is(err, platform.ErrBadUnit) && strings.Contains(err.Error(), key):
		return refused
	case err != nil:
		t.Errorf("%v: %s: refused, and not by its name: %v", p, key, err)
		return refused
	case before != after && (byKey || byTable):
		t.Errorf("%v: %s is on the list of what is left out, and it is honoured", p, key)
	case before == after && !byKey && !byTable:
		t.Errorf("%v: %s is neither honoured nor refused, nor on the list of what is left out", p, key)
	case before == after:
		return leftOut
	}
	return honoured
}

// Each manager honours every setting, refuses it by name, or has it in its list of omissions.
// A new setting must be handled by all managers. The table is part of the documentation.
func TestEverySettingIsHonouredRefusedOrLeftOut(t *testing.T) {
	var keys []string
	eachSetting(reflect.ValueOf(platform.Unit{}), "", func(key string, _ reflect.Value) {
		if !notSettings(key) {
			keys = append(keys, key)
		}
	})
	for _, home := range []string{"HOME", "USERPROFILE"} {
		t.Setenv(home, "/home/ann") // a user's directories are made of it
	}
	rows, reasons := map[string][]string{}, map[place]map[string]string{}
	for _, p := range places() {
		reasons[p] = map[string]string{}
		for _, o := range native.LeftOut(p.manager, p.scope) {
			reasons[p][o.Key] = o.Why
			if !slices.ContainsFunc(keys, func(key string) bool { return key == o.Key || strings.HasPrefix(key, o.Key+".") }) {
				t.Errorf("%v: leaves out %s, which is no setting", p, o.Key)
			}
		}
		for _, key := range keys {
			rows[key] = append(rows[key], p.settle(t, key, reasons[p]))
		}
	}
	const golden = "SETTINGS.md"
	got := document(keys, rows, reasons)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%v: %s is not what was found out (-update writes it)", err, golden)
	}
}

func document(keys []string, rows map[string][]string, reasons map[place]map[string]string) string {
	var b strings.Builder
	b.WriteString("# What each manager does with each setting\n\n" +
		"Found out by a test (`go test ./platform/native -update` writes this file): a setting is honoured, or refused at\n" +
		"install by its name, or left out (-) for the reason below.\n\n| setting |")
	for _, p := range places() {
		fmt.Fprintf(&b, " %v |", p)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(places())) + "\n")
	for _, key := range keys {
		fmt.Fprintf(&b, "| `%s` | %s |\n", key, strings.Join(rows[key], " | "))
	}
	for _, p := range places() {
		fmt.Fprintf(&b, "\nLeft out, %v:\n\n", p)
		for _, key := range slices.Sorted(maps.Keys(reasons[p])) {
			fmt.Fprintf(&b, "- `%s`: %s\n", key, reasons[p][key])
		}
	}
	return b.String()
}

// Managers with scripts use each of a unit's commands.
func TestEveryCommandIsUsed(t *testing.T) {
	for _, home := range []string{"HOME", "USERPROFILE"} {
		t.Setenv(home, "/home/ann")
	}
	for _, p := range places() {
		u := p.unit()
		u.Supervise = true
		before, err := p.plan(t, u)
		if err != nil {
			t.Fatal(err)
		}
		scripts := p.manager == "sysv" || p.manager == "openrc"
		eachSetting(reflect.ValueOf(u), "", func(key string, _ reflect.Value) {
			if !notSettings(key) || key == "name" || key == "instance" || key == "scope" || key == "adopt" || key == "claim" {
				return
			}
			used := scripts && key != "commands.ready"
			used = used || key == "exec" || key == "reload" && p.manager != "scm" && !p.container() || key == "commands.ready" && p.container()
			if key == "config_file" || key == "probes" { // no commands
				return
			}
			u := p.unit()
			u.Supervise = true
			eachSetting(reflect.ValueOf(&u).Elem(), "", func(k string, field reflect.Value) {
				if k == key {
					field.Set(reflect.ValueOf([]string{p.path("feedd"), "changed"}))
				}
			})
			if after, err := p.plan(t, u); err != nil || (before != after) != used {
				t.Errorf("%v: %s: used: %v, want %v; %v", p, key, before != after, used, err)
			}
		})
	}
}
