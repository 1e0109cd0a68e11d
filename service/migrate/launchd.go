package migrate

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func isPropertyList(file, text string) bool {
	return path.Ext(file) == ".plist" || strings.Contains(text, "<!DOCTYPE plist") || strings.HasPrefix(text, "bplist0")
}

// These are the defaults of launchd: launchd.plist(5).
const (
	launchdExit     = 20 * time.Second // ExitTimeOut
	launchdThrottle = 10 * time.Second // ThrottleInterval
)

func readPropertyList(f *Found, text string) error {
	var all map[string]any
	if _, err := plist.Unmarshal([]byte(text), &all); err != nil {
		return err
	}
	f.Kind, f.Manager = "launchd property list", "launchd"
	c := &f.Config
	*c = service.Config{Umask: "0022", Restart: service.Restart{Delay: launchdThrottle, Max: platform.NoLimit}}
	stop := launchdExit
	for _, key := range slices.Sorted(maps.Keys(all)) {
		value := all[key]
		switch key {
		case "Label":
			f.Name = fmt.Sprint(value)
		case "Program":
			f.Command = append([]string{fmt.Sprint(value)}, f.Command...)
		case "ProgramArguments":
			f.Command = append(f.Command, texts(value)...)
		case "EnvironmentVariables":
			c.Env = textsByName(value)
		case "UserName":
			c.User = fmt.Sprint(value)
		case "GroupName":
			c.Group = fmt.Sprint(value)
		case "WorkingDirectory":
			c.WorkingDirectory = fmt.Sprint(value)
		case "Umask":
			c.Umask = launchdUmask(value)
		case "ProcessType":
			c.Launchd.ProcessType = fmt.Sprint(value)
		case "LimitLoadToSessionType":
			f.Scope = platform.ScopeUser
			c.Launchd.SessionTypes = texts(value)
		case "SessionCreate":
			c.Launchd.SessionCreate = truth(value)
		case "Nice":
			c.Limits.Nice = int(number(value))
		case "ExitTimeOut":
			stop = time.Duration(number(value)) * time.Second
		case "ThrottleInterval":
			c.Restart.Delay = time.Duration(number(value)) * time.Second
		case "SoftResourceLimits", "HardResourceLimits":
			f.resources(key, value)
		case "KeepAlive", "RunAtLoad": // read below
		case "StandardOutPath", "StandardErrorPath":
			f.lose(key, fmt.Sprint(value), "holdfast's own log is in %s; set log.file for another", "/var/log/NAME/NAME.log")
		case "Disabled":
			f.lose(key, fmt.Sprint(value), "`launchctl disable` says it")
		default:
			if c.Launchd.Extra == nil {
				c.Launchd.Extra = map[string]any{}
			}
			c.Launchd.Extra[key] = value
		}
	}
	f.keepAlive(all["KeepAlive"], truth(all["RunAtLoad"]))
	c.StopTimeout = max(stop-platform.StopMargin, time.Second)
	if stop == 0 {
		f.lose("ExitTimeOut", "0", "there is always a limit; choose one")
		c.StopTimeout = 0
	}
	return nil
}

func (f *Found) resources(key string, value any) {
	limits := &f.Config.Limits
	table, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		switch n := number(table[name]); name {
		case "NumberOfFiles":
			limits.NoFile = n
		case "NumberOfProcesses":
			limits.NProc = n
		case "Core":
			limits.Core = &n
		default:
			f.lose(key, name, "holdfast has no such limit; launchctl limit sets those of the machine")
		}
	}
}

// keepAlive reads when launchd starts the service.
func (f *Found) keepAlive(value any, atLoad bool) {
	r := &f.Config.Restart
	r.Policy = platform.RestartNever
	switch keep := value.(type) {
	case bool:
		if keep {
			r.Policy = platform.RestartAlways
		}
	case map[string]any:
		r.Policy = platform.RestartAlways
		for _, key := range slices.Sorted(maps.Keys(keep)) {
			on := truth(keep[key])
			switch {
			case key == "SuccessfulExit" && !on:
				r.Policy = platform.RestartOnFailure
			case key == "SuccessfulExit":
				r.Policy = platform.RestartOnSuccess
			case key == "Crashed" && on:
				r.Policy = platform.RestartOnAbnormal
			default:
				f.lose("KeepAlive."+key, fmt.Sprint(keep[key]), "launchd restarts a holdfast service depending only on how it ended")
			}
		}
	}
	if !atLoad && r.Policy == platform.RestartNever {
		f.Config.StartType = platform.StartManual
	}
	if r.Policy == platform.RestartNever {
		r.Delay, r.Max = 0, 0
	}
}

func truth(value any) bool {
	is, _ := value.(bool)
	return is
}

func launchdUmask(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return fmt.Sprintf("%04o", number(value))
}

func texts(value any) []string {
	list, _ := value.([]any)
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = fmt.Sprint(item)
	}
	return all
}

func textsByName(value any) map[string]string {
	table, _ := value.(map[string]any)
	all := map[string]string{}
	for name, item := range table {
		all[name] = fmt.Sprint(item)
	}
	return all
}

func number(value any) uint64 {
	switch n := value.(type) {
	case uint64:
		return n
	case int64:
		return uint64(max(n, 0))
	case float64:
		return uint64(max(n, 0))
	}
	return 0
}
