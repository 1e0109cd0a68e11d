package kardianos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kardianos/service"
)

// kinds lists all options with the types of their values.
var kinds = map[string]string{
	"KeepAlive": "bool", "RunAtLoad": "bool", "UserService": "bool", "SessionCreate": "bool", "LogOutput": "bool",
	"DelayedAutoStart": "bool", "Interactive": "bool",
	"LimitNOFILE": "int", "OnFailureResetPeriod": "int",
	"Prefix": "string", "ReloadSignal": "string", "PIDFile": "string", "Restart": "string", "SuccessExitStatus": "string",
	"SystemdScript": "string", "SysvScript": "string", "RCSScript": "string", "UpstartScript": "string", "LaunchdConfig": "string",
	"OpenRCScript": "string", "LogDirectory": "string", "Password": "string", "StartType": "string", "OnFailure": "string",
	"OnFailureDelayDuration": "string",
	"RunWait":                "func()",

	singleton: "bool", hardening: "bool", startTimeout: "string", stopTimeout: "string", passwordFile: "string",
}

// The options that the library does not have.
const (
	singleton    = "Singleton"
	hardening    = "Hardening"
	startTimeout = "StartTimeout"
	stopTimeout  = "StopTimeout"
	passwordFile = "PasswordFile"
)

// options are Config.Option. They are read as the library does it: a value of a wrong type is
// ignored.
type options service.KeyValue

func (s *adoptee) options() options { return options(s.config.Option) }

func (o options) flag(key string) bool { return o.or(key, false) }

func (o options) or(key string, usual bool) bool {
	if v, ok := o[key].(bool); ok {
		return v
	}
	return usual
}

func (o options) text(key string) string {
	v, _ := o[key].(string)
	return v
}

// said reports whether key has a text, which may be empty.
func (o options) said(key string) bool {
	_, ok := o[key].(string)
	return ok
}

func (o options) number(key string, usual int) int {
	if v, ok := o[key].(int); ok {
		return v
	}
	return usual
}

func (o options) wait() func() {
	f, _ := o["RunWait"].(func())
	return f
}

// duration returns a time.Duration from a string, as in OnFailureDelayDuration.
func (o options) duration(key string, usual time.Duration) time.Duration {
	if d, err := time.ParseDuration(o.text(key)); err == nil && d > 0 {
		return d
	}
	return usual
}

// strange returns sentences about options that are ignored.
func (o options) strange() []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(o)) {
		want, known := kinds[key]
		switch got := fmt.Sprintf("%T", o[key]); {
		case !known:
			text := fmt.Sprintf("option %s is unknown and has no effect", key)
			if near := nearest(key); near != "" {
				text += fmt.Sprintf(": did you mean %s?", near)
			}
			all = append(all, text)
		case got != want:
			all = append(all, fmt.Sprintf("option %s is a %s and has no effect: it has to be a %s", key, got, want))
		case want == "string" && slices.Contains([]string{startTimeout, stopTimeout, "OnFailureDelayDuration"}, key) && o.text(key) != "":
			if d, err := time.ParseDuration(o.text(key)); err != nil || d <= 0 {
				all = append(all, fmt.Sprintf("option %s is %q and has no effect: it has to be a duration, such as \"30s\"", key, o.text(key)))
			}
		}
	}
	return all
}

// nearest returns the option that was probably meant, or "".
func nearest(key string) string {
	best, least := "", 1+max(2, len(key)/4)
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if d := distance(strings.ToLower(key), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance returns the number of wrong, missing or additional letters.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			wrong := before
			if a[i] != b[j] {
				wrong++
			}
			before = row[j+1]
			row[j+1] = min(wrong, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
