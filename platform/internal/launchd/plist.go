package launchd

import (
	"fmt"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
)

// A job is a property list of launchd.plist(5), with the keys that we use.
type job struct {
	Label                  string
	ProgramArguments       []string
	EnvironmentVariables   map[string]string
	UserName               string `plist:",omitempty"`
	GroupName              string `plist:",omitempty"`
	WorkingDirectory       string `plist:",omitempty"`
	Umask                  int    // in decimal, because a property list has no octal numbers
	RunAtLoad              bool
	KeepAlive              *keepAlive `plist:",omitempty"`
	ThrottleInterval       int        `plist:",omitempty"` // seconds between two starts
	ExitTimeOut            int        // seconds from SIGTERM to SIGKILL; 0 means never
	SoftResourceLimits     *limits    `plist:",omitempty"`
	HardResourceLimits     *limits    `plist:",omitempty"`
	Nice                   int        `plist:",omitempty"`
	ProcessType            string
	LimitLoadToSessionType []string `plist:",omitempty"`
	SessionCreate          bool     `plist:",omitempty"`
	StandardOutPath        string
	StandardErrorPath      string
	Holdfast               *note `plist:",omitempty"`
}

// program returns the program that launchd executes.
func (j job) program() string {
	if len(j.ProgramArguments) == 0 {
		return "its program"
	}
	return j.ProgramArguments[0]
}

type keepAlive struct{ SuccessfulExit bool }

type limits struct {
	Core              *uint64 `plist:",omitempty"`
	NumberOfFiles     uint64  `plist:",omitempty"`
	NumberOfProcesses uint64  `plist:",omitempty"`
}

// A note has what we need to know of an installed service and launchd does not. launchd
// ignores keys that it does not know. The note marks a file as ours.
type note struct {
	Made         string   // for people
	Reload       []string `plist:",omitempty"`
	StartTimeout int      // seconds
	RuntimeDir   string   `plist:",omitempty"` // if it is not the usual one
	// EnabledBefore means that it replaced a property list that was not disabled.
	EnabledBefore bool `plist:",omitempty"`
}

const made = "Made by holdfast: the next install or uninstall replaces this file"

// Render returns the property list for u. d has the directories of the service, unless u sets
// them. Standard output and error go to a file in d.Logs. Render does not touch the machine,
// and its result is the same on every operating system. If settings cannot be expressed, the
// error wraps platform.ErrBadUnit and names all of them.
func Render(u platform.Unit, d Dirs) ([]byte, error) {
	u = u.WithDefaults()
	p := propertyList{job: job{RunAtLoad: true}}
	p.identity(u)
	p.command(u)
	p.surroundings(u)
	p.restart(u.Restart)
	p.timeouts(u)
	p.limits(u)
	p.unsupported(u)
	p.options(u)
	p.directories(u, d)
	if err := p.Err("property list", u.ID); err != nil {
		return nil, err
	}
	content, err := marshal(p.job, u.Launchd.Extra)
	if err != nil {
		return nil, fmt.Errorf("property list %q: %w", u.ID.String(), err)
	}
	return append(content, '\n'), nil
}

// parse decodes a property list of launchd, and reports whether holdfast made it. A file that
// it does not understand is not ours.
func parse(content []byte) (j job, ours bool) {
	var marked struct{ Holdfast *note }
	if _, err := plist.Unmarshal(content, &marked); err != nil || marked.Holdfast == nil {
		return job{}, false
	}
	if _, err := plist.Unmarshal(content, &j); err != nil {
		return job{}, false
	}
	return j, true
}
