package migrate

import (
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isUnit(_, text string) bool {
	return strings.Contains("\n"+text, "\n[Service]")
}

// A unitReader collects the settings of a unit. It forgets what a later line resets.
type unitReader struct {
	*Found
	c     *service.Config
	set   map[string]string   // the last value of each key
	lists map[string][]string // the values of keys that may occur several times
	order []string            // the keys of [Service], each once
}

// usualTimeout is the default of DefaultTimeoutStartSec= and DefaultTimeoutStopSec= in
// systemd.
const usualTimeout = 90 * time.Second

// readUnit reads a systemd unit in the grammar of systemd.syntax(7). It does not look for
// drop-ins; the output of `systemctl cat` includes them.
func readUnit(f *Found, text string) error {
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return err
	}
	f.Kind, f.Manager = "systemd unit", "systemd"
	f.Config = service.Config{
		Hardening: unhardened(), StartType: platform.StartManual, Umask: "0022",
		StartTimeout: usualTimeout - platform.StopMargin, StopTimeout: usualTimeout - platform.StopMargin,
	}
	r := unitReader{Found: f, c: &f.Config, set: map[string]string{}, lists: map[string][]string{}}
	if name, template := strings.CutSuffix(f.Name, "@"); template {
		f.Name = name
		r.lose("the name", name+"@", "a template: install each of its instances with --instance")
	}
	for _, o := range options {
		value := strings.TrimSpace(strings.ReplaceAll(o.Value, "\\\n", " "))
		switch o.Section {
		case "Unit":
			r.unit(o.Name, value)
		case "Install":
			r.install(o.Name, value)
		case "Service":
			r.note(o.Name, value)
		default:
			if !strings.HasPrefix(o.Section, "X-") {
				r.lose("["+o.Section+"] "+o.Name, value, "a section of another kind of unit")
			}
		}
	}
	r.service()
	return nil
}

func (r *unitReader) note(key, value string) {
	if !slices.Contains(r.order, key) {
		r.order = append(r.order, key)
	}
	r.set[key] = value
	if value == "" { // systemd.syntax(7): an empty value resets the list
		r.lists[key] = nil
		return
	}
	r.lists[key] = append(r.lists[key], value)
}

func (r *unitReader) unit(key, value string) {
	c := r.c
	switch key {
	case "Description":
		c.Description = plain(value)
	case "After":
		r.others(&c.After, value)
	case "Requires":
		r.others(&c.Requires, value)
	case "Wants":
		r.others(&c.Wants, value)
	case "StartLimitIntervalSec", "StartLimitInterval", "StartLimitBurst":
		r.set[key] = value
	default:
		c.Systemd.UnitExtra = append(c.Systemd.UnitExtra, key+"="+value)
	}
}

// others reads names of units. Services lose their suffix, as other managers do not have it.
// The network has its own setting.
func (r *unitReader) others(list *[]string, value string) {
	for _, name := range strings.Fields(value) {
		switch name = strings.TrimSuffix(name, ".service"); {
		case name == "network-online.target":
			r.c.NeedsNetwork = true
		case !slices.Contains(*list, name):
			*list = append(*list, name)
		}
	}
}

func (r *unitReader) install(key, value string) {
	switch targets := strings.Fields(value); {
	case key == "WantedBy" && len(targets) > 0:
		r.c.StartType = ""
		if targets[0] == "default.target" {
			r.Scope = platform.ScopeUser
		} else if targets[0] != "multi-user.target" {
			r.c.Systemd.WantedBy = targets[0]
		}
		for _, other := range targets[1:] {
			r.lose(key, other, "only one target starts it: %s", targets[0])
		}
	case value != "":
		r.lose(key, value, "install supports only WantedBy; use `systemctl edit` and `systemctl add-wants` for the rest")
	}
}

// service reads the keys of [Service] after all of them have been collected.
func (r *unitReader) service() {
	r.command()
	r.restartPolicy()
	r.hardening()
	known := directives()
	for _, key := range r.order {
		value, list := r.set[key], r.lists[key]
		switch read, ok := known[key]; {
		case len(list) == 0:
		case ok:
			if why := read(r, value); why != "" {
				r.lose(key, value, "%s", why)
			}
		case key == "Environment":
			r.environment(list)
		case !slices.Contains(handled, key):
			r.extra(key)
		}
	}
}

// extra keeps lines that only systemd understands unchanged.
func (r *unitReader) extra(key string) {
	for _, value := range r.lists[key] {
		r.c.Systemd.Extra = append(r.c.Systemd.Extra, key+"="+value)
	}
}

// command reads ExecStart= and the keys that depend on it.
func (r *unitReader) command() {
	lines := r.lists["ExecStart"]
	if len(lines) != 1 {
		r.lose("ExecStart", strings.Join(lines, "; "), "a service has one command; there are %d here", len(lines))
		return
	}
	line := strings.TrimLeft(lines[0], "-:+!@|")
	if prefix := lines[0][:len(lines[0])-len(line)]; prefix != "" {
		r.lose("ExecStart", prefix, "the prefix of the program has no counterpart")
	}
	argv, err := words(line, false)
	if err != nil {
		r.lose("ExecStart", line, "%v", err)
		return
	}
	for i, word := range argv {
		word = plain(word)
		if strings.Contains(strings.ReplaceAll(word, "$$", ""), "$") {
			r.lose("ExecStart", word, "systemd expands variables; write the value")
		}
		argv[i] = strings.ReplaceAll(word, "$$", "$")
	}
	r.Command = argv
	for _, value := range r.lists["ExecReload"] {
		r.lose("ExecReload", value, "the program's own `reload` requests a reload and waits for its outcome")
	}
	for _, key := range []string{"ExecStop", "ExecStopPost"} {
		for _, value := range r.lists[key] {
			r.lose(key, value, "a stop is the program's own: SIGTERM, then Stop and its steps")
		}
	}
	switch kind := r.set["Type"]; kind {
	case "", "simple", "exec", "notify", "notify-reload":
	default:
		r.lose("Type", kind, "the program stays in the foreground and reports itself when it is ready")
	}
	for _, key := range []string{"PIDFile", "BusName", "RemainAfterExit", "GuessMainPID", "NotifyAccess", "ReloadSignal", "KillMode"} {
		if value := r.set[key]; value != "" && !usual(key, value) {
			r.lose(key, value, "holdfast's own unit sets it")
		}
	}
}

// usual reports whether a setting is already in holdfast's unit, or has no effect there.
func usual(key, value string) bool {
	switch key {
	case "NotifyAccess":
		return value == "main"
	case "KillMode":
		return value == "mixed"
	case "RemainAfterExit":
		return value == "no" || value == "false"
	}
	return false
}

// handled has the keys that are read together with others.
var handled = []string{
	"Type", "ExecStart", "ExecReload", "ExecStop", "ExecStopPost", "PIDFile", "BusName", "RemainAfterExit", "GuessMainPID", "NotifyAccess",
	"ReloadSignal", "KillMode", "Restart", "RestartSec", "StartLimitIntervalSec", "StartLimitInterval", "StartLimitBurst", "SuccessExitStatus",
	"RestartPreventExitStatus", "RestartForceExitStatus", "CapabilityBoundingSet", "AmbientCapabilities",
}

// environment reads Environment=, words of the form NAME=value. Values may be secret, so only
// their names are listed as lost.
func (r *unitReader) environment(lines []string) {
	for _, line := range lines {
		assignments, err := words(line, false)
		if err != nil {
			r.lose("Environment", "", "%v", err)
			continue
		}
		for _, a := range assignments {
			name, value, ok := strings.Cut(a, "=")
			if !ok {
				r.lose("Environment", name, "is not an assignment")
				continue
			}
			if specifier(value) {
				r.lose("Environment", name, "its value has a systemd specifier: write its value")
			}
			if r.c.Env == nil {
				r.c.Env = map[string]string{}
			}
			r.c.Env[name] = plain(value)
		}
	}
}

// plain returns a value in which %% is a percent sign, as systemd reads it.
func plain(value string) string { return strings.ReplaceAll(value, "%%", "%") }

// specifier reports whether value has a specifier, such as %i.
func specifier(value string) bool {
	return strings.Contains(strings.ReplaceAll(value, "%%", ""), "%")
}
