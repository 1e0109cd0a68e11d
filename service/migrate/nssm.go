package migrate

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isRegistry(_, text string) bool {
	return strings.HasPrefix(text, "Windows Registry Editor Version 5.00") || strings.HasPrefix(text, "REGEDIT4")
}

const servicesKey = `\SYSTEM\CurrentControlSet\Services\`

// readRegistry reads the output of `reg export HKLM\SYSTEM\CurrentControlSet\Services\NAME`
// for a service that NSSM runs. It has the values of Windows, and below Parameters those of
// NSSM.
func readRegistry(f *Found, text string) error {
	keys := registry(text)
	f.Kind, f.Manager = "registry key of NSSM", "scm"
	c := &f.Config
	*c = service.Config{Restart: service.Restart{Policy: platform.RestartAlways, Max: platform.NoLimit}}
	c.Windows.Start = platform.WindowsAuto
	found := false
	for _, key := range keys {
		_, rest, ok := strings.Cut(key.name, servicesKey)
		if !ok {
			continue
		}
		name, below, _ := strings.Cut(rest, `\`)
		switch {
		case found && name != f.Name:
			return errors.New("it has more than one service: export one only")
		case below == "":
			f.Name = name
			f.ofWindows(key.values)
		case below == "Parameters":
			found, f.Name = true, name
			f.ofNSSM(key.values)
		case below == `Parameters\AppExit`:
			f.exits(key.values)
		case strings.HasPrefix(below, `Parameters\AppEvents`):
			for _, v := range key.values {
				f.lose(below+`\`+v.name, v.text, "do that in the program's Start and Stop")
			}
		}
	}
	if len(f.Command) == 0 {
		return errors.New("it is not a key of NSSM: Parameters has no Application")
	}
	return nil
}

// A value is a value of the registry as text. A list of texts has one per line.
type value struct{ name, text string }

type registryKey struct {
	name   string
	values []value
}

// registry reads the text of `reg export`.
func registry(text string) []registryKey {
	var all []registryKey
	text = strings.ReplaceAll(text, "\\\n  ", "") // a long line is continued
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if inner, ok := strings.CutPrefix(line, "["); ok {
			all = append(all, registryKey{name: strings.TrimSuffix(inner, "]")})
			continue
		}
		name, rest, ok := quoted(line)
		if !ok || !strings.HasPrefix(rest, "=") || len(all) == 0 {
			continue
		}
		key := &all[len(all)-1]
		key.values = append(key.values, value{name, data(rest[1:])})
	}
	return all
}

// quoted returns the text in quotation marks at the start of s. "@" is the name of the default
// value.
func quoted(s string) (text, rest string, ok bool) {
	if rest, is := strings.CutPrefix(s, "@"); is {
		return "", rest, true
	}
	var b strings.Builder
	for i := 1; i < len(s) && s[0] == '"'; i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s, false
}

// data decodes the data of a value: a text, a number, or a list of texts in bytes.
func data(s string) string {
	if text, _, ok := quoted(s); ok {
		return text
	}
	if digits, ok := strings.CutPrefix(s, "dword:"); ok {
		n, _ := strconv.ParseUint(digits, 16, 32)
		return strconv.FormatUint(n, 10)
	}
	_, bytes, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(strings.ReplaceAll(bytes, ",", ""))
	if err != nil {
		return ""
	}
	var units []uint16
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, uint16(raw[0])|uint16(raw[1])<<8)
	}
	return strings.TrimRight(strings.ReplaceAll(string(utf16.Decode(units)), "\x00", "\n"), "\n")
}

func (f *Found) ofWindows(values []value) {
	c := &f.Config
	for _, v := range values {
		switch v.name {
		case "DisplayName":
			c.DisplayName = v.text
		case "Description":
			c.Description = v.text
		case "ObjectName":
			if !strings.EqualFold(v.text, "LocalSystem") {
				c.User = v.text
			}
		case "DependOnService":
			c.Windows.Dependencies = append(c.Windows.Dependencies, strings.Split(v.text, "\n")...)
		case "DependOnGroup":
			for group := range strings.SplitSeq(v.text, "\n") {
				c.Windows.Dependencies = append(c.Windows.Dependencies, "+"+group)
			}
		case "Start":
			c.Windows.Start = map[string]platform.WindowsStart{"2": platform.WindowsAuto, "3": platform.WindowsManual, "4": platform.WindowsDisabled}[v.text]
		case "DelayedAutostart", "DelayedAutoStart":
			if v.text == "1" {
				c.Windows.Start = platform.WindowsDelayed
			}
		case "ImagePath", "Type", "ErrorControl", "FailureActions", "FailureActionsOnNonCrashFailures", "ServiceSidType", "WOW64": // values about NSSM itself
		default:
			f.lose(v.name, v.text, "no counterpart")
		}
	}
}

func (f *Found) ofNSSM(values []value) {
	c := &f.Config
	var arguments []string
	var stop time.Duration
	for _, v := range values {
		switch d, isNumber := milliseconds(v.text); v.name {
		case "Application":
			f.Command = append([]string{v.text}, f.Command...)
		case "AppParameters":
			arguments = windowsWords(v.text)
		case "AppDirectory":
			f.lose(v.name, v.text, "a holdfast service starts in the directory that Windows chooses: use absolute paths")
		case "AppEnvironmentExtra":
			for line := range strings.SplitSeq(v.text, "\n") {
				name, text, ok := strings.Cut(line, "=")
				if !ok {
					continue
				}
				if c.Env == nil {
					c.Env = map[string]string{}
				}
				c.Env[name] = text
			}
		case "AppRestartDelay":
			if isNumber {
				c.Restart.Delay = d
			}
		case "AppStopMethodConsole", "AppStopMethodWindow", "AppStopMethodThreads":
			stop += d
		default:
			f.lose(v.name, v.text, "%s", nssmWhy(v.name))
		}
	}
	c.StopTimeout = stop
	f.Command = append(f.Command, arguments...)
}

// nssmWhy says what applies in place of an NSSM value.
func nssmWhy(name string) string {
	switch {
	case strings.HasPrefix(name, "AppStdout"), strings.HasPrefix(name, "AppStderr"), strings.HasPrefix(name, "AppRotate"):
		return "holdfast has its own log: see log.sink and log.file"
	case name == "AppThrottle":
		return "restart.delay keeps starts apart"
	case name == "AppEnvironment":
		return "replaces the whole environment; env adds to it"
	}
	return "no counterpart"
}

// exits reads what NSSM does after each exit code. The default value is for all codes that are
// not named.
func (f *Found) exits(values []value) {
	r := &f.Config.Restart
	for _, v := range values {
		action := strings.ToLower(v.text)
		switch code, err := strconv.Atoi(v.name); {
		case v.name == "" && (action == "exit" || action == "ignore" || action == "suicide"):
			r.Policy, r.Max = platform.RestartNever, 0
		case v.name == "":
		case err == nil && code == 0 && action != "restart":
			r.Policy = platform.RestartOnFailure
		case err == nil && action != "restart" && code > 0 && code < 256 && !slices.Contains(platform.ExitsForGood(), code):
			r.Policy = platform.RestartOnFailure
			r.Success = append(r.Success, code)
		default:
			f.lose("AppExit "+v.name, v.text, "no counterpart")
		}
	}
}

// milliseconds parses a duration of NSSM.
func milliseconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * time.Millisecond, err == nil
}
