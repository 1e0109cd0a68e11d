package migrate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isScript(_, text string) bool { return strings.HasPrefix(text, "#!") }

// A script has the readable parts of an init script: its header, and the variables that are
// assigned at the start of a line.
type script struct {
	header    map[string]string
	variables map[string]string
}

// readScript reads an init script with an LSB header, or one of OpenRC.
func readScript(f *Found, text string) error {
	s := script{map[string]string{}, map[string]string{}}
	first, _, _ := strings.Cut(text, "\n")
	openrc := strings.Contains(first, "openrc-run") || strings.Contains(first, "runscript")
	inHeader, last := false, ""
	var dependencies []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "### BEGIN INIT INFO"):
			inHeader = true
		case strings.HasPrefix(line, "### END INIT INFO"):
			inHeader = false
		case inHeader:
			last = s.headerLine(line, last)
		case openrc && strings.HasPrefix(line, "\t"), openrc && strings.HasPrefix(line, " "):
			dependencies = append(dependencies, line)
		default:
			s.assignment(line)
		}
	}
	f.Kind, f.Manager = "init script", "sysv"
	if openrc {
		f.Kind, f.Manager = "OpenRC script", "openrc"
	}
	c := &f.Config
	*c = service.Config{Hardening: service.Hardening{NoNewPrivileges: service.Off}, Umask: "0022", Restart: service.Restart{Policy: platform.RestartNever}}
	// github.com/kardianos/service writes the path of the program into Provides.
	if provides := strings.Fields(s.header["Provides"]); len(provides) > 0 && !strings.Contains(provides[0], "/") {
		f.Name = provides[0]
		for _, other := range provides[1:] {
			f.lose("Provides", other, "a service has one name")
		}
	}
	c.Description = cmp.Or(s.header["Short-Description"], s.variables["DESC"], s.variables["description"])
	s.order(f)
	if openrc {
		s.openrc(f, dependencies)
	}
	s.command(f)
	if levels, said := s.header["Default-Start"]; said && strings.TrimSpace(levels) == "" {
		c.StartType = platform.StartManual
	}
	f.lose("the rest of the script", "", "a script can do anything: read it")
	return nil
}

// headerLine reads "# Key: value": see "Comment Conventions for Init Scripts" of LSB. A line
// that starts with a tab or two blanks continues the description.
func (s script) headerLine(line, last string) string {
	text := strings.TrimPrefix(line, "#")
	if last == "Description" && (strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "  ")) {
		return last
	}
	key, value, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok {
		return last
	}
	s.header[key] = strings.TrimSpace(value)
	return key
}

// assignment records NAME=text at the start of a line. It expands the variables that were
// assigned before.
func (s script) assignment(line string) {
	name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}) {
		return
	}
	text, ok := s.value(value)
	if _, before := s.variables[name]; ok && !before {
		s.variables[name] = text
	}
}

// value returns the text of an assignment, unless only a shell can evaluate it.
func (s script) value(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if i := strings.Index(text, " #"); i >= 0 && !strings.ContainsAny(text[:1], `"'`) {
		text = strings.TrimSpace(text[:i])
	}
	single := strings.HasPrefix(text, "'")
	if len(text) >= 2 && (text[0] == '"' || single) {
		if text[len(text)-1] != text[0] {
			return "", false
		}
		text = text[1 : len(text)-1]
	}
	if single {
		return text, true
	}
	for name, value := range s.variables {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
		if rest, is := strings.CutSuffix(text, "$"+name); is {
			text = rest + value
		}
		for _, end := range " /.-:" {
			text = strings.ReplaceAll(text, "$"+name+string(end), value+string(end))
		}
	}
	return text, !strings.ContainsAny(text, "$`")
}

// order reads what the header says about other services. A facility either has a setting in
// holdfast, or starts before every service anyway.
func (s script) order(f *Found) {
	c := &f.Config
	for _, field := range []struct {
		key  string
		list *[]string
	}{{"Required-Start", &c.Requires}, {"Should-Start", &c.After}} {
		for _, name := range strings.Fields(s.header[field.key]) {
			switch {
			case name == "$network":
				c.NeedsNetwork = c.NeedsNetwork || field.key == "Required-Start"
			case strings.HasPrefix(name, "$"): // file systems, log, names, clock: every script of holdfast starts after them
			case !slices.Contains(*field.list, name):
				*field.list = append(*field.list, name)
			}
		}
	}
	for _, key := range []string{"X-Start-Before", "X-Stop-After", "X-Interactive"} {
		if value := s.header[key]; value != "" {
			f.lose(key, value, "no such dependency")
		}
	}
}

// openrc reads the depend function, and who restarts the service: openrc-run(8).
func (s script) openrc(f *Found, lines []string) {
	c := &f.Config
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		list := map[string]*[]string{"need": &c.Requires, "want": &c.Wants, "use": &c.After, "after": &c.After}[fields[0]]
		for _, name := range fields[1:] {
			switch {
			case list == nil && fields[0] == "before":
				f.lose("before", name, "no such dependency")
			case list == nil, name == "localmount", name == "bootmisc": // every script of holdfast starts after them
			case name == "net":
				c.NeedsNetwork = true
			case !slices.Contains(*list, name):
				*list = append(*list, name)
			}
		}
	}
	if supervisor := s.variables["supervisor"]; supervisor == "supervise-daemon" {
		c.Restart = service.Restart{Policy: platform.RestartAlways, Max: platform.NoLimit}
		if delay, err := parseSpan(s.variables["respawn_delay"]); err == nil {
			c.Restart.Delay = delay
		}
		if most, err := strconv.Atoi(s.variables["respawn_max"]); err == nil && most > 0 {
			c.Restart.Max = most
		}
		if period, err := parseSpan(s.variables["respawn_period"]); err == nil && period > 0 {
			c.Restart.Window = period
		}
	}
}

// command reads the command from the usual variables: those of Debian's skeleton, of OpenRC,
// and of github.com/kardianos/service.
func (s script) command(f *Found) {
	v := s.variables
	line := cmp.Or(v["cmd"], v["command"], v["DAEMON"], v["daemon"], v["exec"], v["PROG"])
	if line == "" {
		f.lose("the command", "", "no variable has it")
		return
	}
	arguments := cmp.Or(v["command_args"], v["DAEMON_ARGS"], v["DAEMON_OPTS"], v["OPTIONS"])
	argv, err := words(line+" "+arguments, true)
	if err != nil {
		f.lose("the command", line, "%v", err)
		return
	}
	f.Command = argv
	c := &f.Config
	user, group, _ := strings.Cut(cmp.Or(v["command_user"], v["USER"], v["user"], v["DAEMON_USER"]), ":")
	c.User, c.Group = user, cmp.Or(group, v["GROUP"], v["DAEMON_GROUP"])
	c.WorkingDirectory = cmp.Or(v["directory"], v["CHDIR"])
	if mask := v["umask"]; mask != "" {
		c.Umask = mask
	}
}
