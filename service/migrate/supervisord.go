package migrate

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isSupervisord(_, text string) bool { return strings.Contains("\n"+text, "\n[program:") }

// readSupervisord reads a section [program:NAME]. The defaults are those of the supervisord
// documentation ("[program:x] Section Values").
func readSupervisord(f *Found, text string) error {
	settings, err := supervisordSection(f, text)
	if err != nil {
		return err
	}
	f.Kind = "supervisord program"
	c := &f.Config
	*c = service.Config{
		Hardening: unhardened(), Umask: "0022", StopTimeout: 10 * time.Second,
		Restart: service.Restart{Policy: platform.RestartOnFailure, Delay: time.Second, Max: 3, Window: time.Minute},
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		value := settings[key]
		switch key {
		case "command":
			if f.Command, err = words(value, true); err != nil {
				return err
			}
		case "directory":
			c.WorkingDirectory = value
		case "user":
			c.User = value
		case "umask":
			c.Umask = value
			if len(value) == 3 {
				c.Umask = "0" + value
			}
		case "environment":
			f.supervisordEnvironment(value)
		case "autostart":
			if value == "false" {
				c.StartType = platform.StartManual
			}
		case "autorestart":
			c.Restart.Policy = map[string]platform.RestartPolicy{"true": platform.RestartAlways, "false": platform.RestartNever}[value]
		case "exitcodes":
			f.exitCodes(value)
		case "stopwaitsecs":
			f.seconds(&c.StopTimeout, key, value)
		case "startretries":
			if n, err := strconv.Atoi(value); err == nil {
				c.Restart.Max = n
			}
		case "stopsignal":
			if value != "TERM" {
				f.lose(key, value, "a stop is SIGTERM")
			}
		case "numprocs":
			if value != "1" {
				f.lose(key, value, "install one instance for each: --instance")
			}
		case "startsecs", "priority", "process_name", "killasgroup", "stopasgroup", "redirect_stderr", "serverurl":
			f.lose(key, value, "%s", supervisordWhy(key))
		default:
			why := "no counterpart"
			if strings.HasPrefix(key, "stdout_") || strings.HasPrefix(key, "stderr_") {
				why = "holdfast has its own log: see log.sink and log.file"
			}
			f.lose(key, value, "%s", why)
		}
	}
	if len(f.Command) == 0 {
		return errors.New("it has no command")
	}
	if c.User != "" && c.User != "root" {
		c.Hardening.Capabilities = nil // only root keeps capabilities
	}
	return nil
}

func supervisordWhy(key string) string {
	switch key {
	case "startsecs":
		return "the program itself reports when it is ready"
	case "priority":
		return "name what starts before it in after"
	case "killasgroup", "stopasgroup":
		return "the manager kills the whole group in the end"
	case "redirect_stderr":
		return "both go to the same log"
	}
	return "no counterpart"
}

// supervisordSection returns the settings of the only program. A ";" after a blank starts a
// comment. A line that starts with a blank continues the line before.
func supervisordSection(f *Found, text string) (map[string]string, error) {
	settings := map[string]string{}
	section, last, name := "", "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if i := strings.Index(line, " ;"); i >= 0 {
			line = line[:i]
		}
		trimmed := strings.TrimSpace(line)
		switch inner, isSection := strings.CutPrefix(trimmed, "["); {
		case trimmed == "", strings.HasPrefix(trimmed, ";"), strings.HasPrefix(trimmed, "#"):
		case isSection:
			section = strings.TrimSuffix(inner, "]")
			if program, is := strings.CutPrefix(section, "program:"); is {
				if name != "" {
					return nil, errors.New("it has more than one program: keep one section")
				}
				name = program
			} else {
				f.lose("["+section+"]", "", "is not a program")
			}
		case !strings.HasPrefix(section, "program:"):
		case line[0] == ' ' || line[0] == '\t':
			settings[last] += "\n" + trimmed
		default:
			key, value, _ := strings.Cut(trimmed, "=")
			last = strings.TrimSpace(key)
			settings[last] = strings.TrimSpace(value)
		}
	}
	f.Name = name
	for key, value := range settings {
		value = strings.ReplaceAll(value, "%(program_name)s", name)
		if strings.Contains(value, "%(") {
			f.lose(key, "", "has a %%(...)s of supervisord: write its value")
		}
		settings[key] = strings.ReplaceAll(value, "%%", "%")
	}
	return settings, nil
}

// supervisordEnvironment reads KEY="val",KEY2="val2".
func (f *Found) supervisordEnvironment(value string) {
	env := map[string]string{}
	rest := value
	for rest = strings.TrimLeft(rest, ", \n"); rest != ""; rest = strings.TrimLeft(rest, ", \n") {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			f.lose("environment", "", "is not a list of assignments")
			break
		}
		text, next, _ := strings.Cut(after, ",")
		if after != "" && (after[0] == '"' || after[0] == '\'') {
			text, next, ok = strings.Cut(after[1:], after[:1])
			if !ok {
				f.lose("environment", "", "%v", errQuotes)
				break
			}
		}
		rest = next
		env[strings.TrimSpace(name)] = strings.TrimSpace(text)
	}
	f.Config.Env = env
}

func (f *Found) exitCodes(value string) {
	for word := range strings.SplitSeq(value, ",") {
		code, err := strconv.Atoi(strings.TrimSpace(word))
		switch {
		case err != nil:
			f.lose("exitcodes", word, "is not a number")
		case code > 0 && code < 256 && !slices.Contains(platform.ExitsForGood(), code):
			f.Config.Restart.Success = append(f.Config.Restart.Success, code)
		}
	}
}

func (f *Found) seconds(d *time.Duration, key, value string) {
	n, err := strconv.Atoi(value)
	if err != nil {
		f.lose(key, value, "is not a number")
		return
	}
	*d = time.Duration(n) * time.Second
}
