package kardianos_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// order is the order of the columns in the page's tables.
var order = []string{"linux-systemd", "unix-systemv", "linux-openrc", "darwin-launchd", "windows-service"}

// sample returns a Config in which the field or option key has a value with a meaning for the
// library on that system, and a Config without it to compare with. If the value needs another
// setting to have an effect, both have that.
func sample(key, on string) (base, changed service.Config) {
	base = service.Config{Name: "feed", Option: service.KeyValue{}}
	switch key {
	case "KeepAlive":
		base.Option["RunAtLoad"] = true
	case "SuccessExitStatus":
		switch on {
		case "windows-service":
			base.Option["OnFailure"] = "restart"
		case "darwin-launchd":
		default:
			base.Option["Restart"] = "always"
		}
	case "OnFailureDelayDuration", "OnFailureResetPeriod":
		base.Option["OnFailure"] = "restart"
	case "LogDirectory":
		base.Option["LogOutput"] = true
	}
	c := base
	c.Option = maps.Clone(base.Option)
	texts := map[string]string{
		"Prefix": "site", "ReloadSignal": "USR1", "PIDFile": "/run/x.pid", "Restart": "on-failure", "SuccessExitStatus": "3",
		"LogDirectory": "/srv/log", "Password": "x", "StartType": "manual", "OnFailure": "restart", "OnFailureDelayDuration": "9s",
		"StartTimeout": "9s", "StopTimeout": "9s", "PasswordFile": `C:\secret`,
	}
	switch {
	case kardianos.Kinds[key] == "bool":
		c.Option[key] = key != "KeepAlive"
	case kardianos.Kinds[key] == "int":
		c.Option[key] = 99
	case kardianos.Kinds[key] == "func()":
		c.Option[key] = func() {}
	case kardianos.Kinds[key] == "string":
		c.Option[key] = texts[key]
	case key == "Name":
		c.Name = "other"
	case key == "DisplayName":
		c.DisplayName = "The Feed"
	case key == "Description":
		c.Description = "feeds"
	case key == "UserName":
		c.UserName = map[bool]string{true: `NT AUTHORITY\LocalService`, false: "joe"}[on == "windows-service"]
	case key == "Arguments":
		c.Arguments = []string{"-v"}
	case key == "WorkingDirectory":
		c.WorkingDirectory = "/srv"
	case key == "ChRoot":
		c.ChRoot = "/srv"
	case key == "EnvVars":
		c.EnvVars = map[string]string{"A": "b"}
	case key == "Dependencies":
		c.Dependencies = []string{map[string]string{"linux-openrc": "need net", "windows-service": "Tcpip"}[on]}
		if c.Dependencies[0] == "" {
			c.Dependencies[0] = "After=x.service"
		}
	}
	if strings.HasPrefix(key, "Password") && on == "windows-service" {
		c.UserName = "joe"
	}
	return base, c
}

// The migration page has a row for each field of Config and each option. Its words describe
// what an install does: "yes" changes the definition, "warned" and "refused" produce a
// message, and "at run" and "-" leave the definition unchanged.
func TestTheMigrationPage(t *testing.T) {
	t.Setenv("HOME", "/home/joe")
	t.Setenv("USERPROFILE", "/home/joe") // its definitions of other systems have a home there
	content, err := os.ReadFile("../../examples/kardianos/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if key := strings.Trim(cells[0], "`"); len(cells) == 2+len(order) && key != cells[0] {
			if rows[key] != nil {
				t.Errorf("%s has two rows", key)
			}
			rows[key] = cells[1:]
		}
	}
	var all []string
	for key := range kardianos.Kinds {
		all = append(all, key)
	}
	config := reflect.TypeFor[service.Config]()
	for i := range config.NumField() {
		all = append(all, config.Field(i).Name)
	}
	for key := range rows {
		if !slices.Contains(all, key) {
			t.Errorf("%s has a row, and is no field or option", key)
		}
	}
	for _, key := range all {
		row := rows[key]
		switch {
		case key == "Option": // has a table of its own
			continue
		case row == nil:
			t.Errorf("%s has no row", key)
			continue
		case row[len(order)] == "":
			t.Errorf("%s: nothing is said of it", key)
		}
		for i, on := range order {
			does := done(t, key, on)
			if said := row[i]; said != does && (does != "-" || said != "at run") {
				t.Errorf("%s on %s: the page says %q, and it is %q", key, on, said, does)
			}
		}
	}
}

// general lists the options that the library has for every system of a kind, according to its
// documentation. Other options are for one system only.
var general = map[bool][]string{
	false: {
		"UserService", "RunWait", "ReloadSignal", "PIDFile", "LogOutput", "Restart", "SuccessExitStatus", "LogDirectory", "LimitNOFILE",
	},
	true: {"DelayedAutoStart", "Password", "Interactive", "StartType", "OnFailure", "OnFailureDelayDuration", "OnFailureResetPeriod"},
}

// A setting for this system, or for all, is never ignored silently: it changes the definition,
// is honoured at run, or leads to a warning or a refusal.
func TestNothingIsDroppedInSilence(t *testing.T) {
	t.Setenv("HOME", "/home/joe")
	t.Setenv("USERPROFILE", "/home/joe") // its definitions of other systems have a home there
	honoured := map[string]string{       // while it runs, or always
		"RunWait": "guest.Start waits for it", "LogDirectory": "keepOutput has it", "LogOutput": "keepOutput does it always",
		"RunAtLoad": "KeepAlive does it", "DisplayName": "launchd has none", "Description": "launchd has none",
	}
	config := reflect.TypeFor[service.Config]()
	for _, on := range order {
		var keys []string
		for i := range config.NumField() {
			if name := config.Field(i).Name; name != "Option" {
				keys = append(keys, name)
			}
		}
		keys = append(keys, general[false]...)
		switch on {
		case "windows-service":
			keys = append(keys, general[true]...)
		case "darwin-launchd":
			keys = append(keys, "KeepAlive", "RunAtLoad", "SessionCreate")
		}
		for _, key := range keys {
			kept := honoured[key] != "" && on != "windows-service"
			if kept && honoured[key] == "launchd has none" {
				kept = on == "darwin-launchd"
			}
			if got := done(t, key, on); got == "-" && !kept || strings.HasPrefix(got, "fails") {
				t.Errorf("%s on %s: %s", key, on, got)
			}
		}
	}
}

// done returns what an install does with a field or an option.
func done(t *testing.T, key, on string) string {
	t.Helper()
	if strings.HasSuffix(key, "Script") || key == "LaunchdConfig" {
		if kardianos.ScriptOf(on) == key {
			return "yes"
		}
		return "-"
	}
	if key == "Executable" {
		if path, err := kardianos.Executable(&service.Config{Executable: "feed"}); err != nil || !filepath.IsAbs(path) || filepath.Base(path) != "feed" {
			t.Errorf("the executable is %q, %v", path, err)
		}
		return "yes"
	}
	base, changed := sample(key, on)
	warnings, refused := kardianos.Strange(on, systems[on], &changed)
	if errors.Join(refused...) != nil {
		return "refused"
	}
	before, err := kardianos.Plan(t.Context(), on, systems[on], &base)
	if err != nil {
		t.Fatalf("without %s on %s: %v", key, on, err)
	}
	after, err := kardianos.Plan(t.Context(), on, systems[on], &changed)
	switch {
	case err != nil:
		return "fails: " + err.Error()
	case len(warnings) > 0 && after != before:
		return "warned, and it changes something"
	case len(warnings) > 0:
		return "warned"
	case after != before:
		return "yes"
	}
	return "-"
}
