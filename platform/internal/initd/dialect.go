package initd

import (
	"path"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Dialect has the differences between the scripts of one manager and those of others.
type Dialect struct {
	Manager  string // its name, which the service reports as its starter
	Kind     string // name of a script in errors: "init script"
	Template string // template of a script: see Script.Render

	// Sign is a directory that every machine with this manager has. If it is missing, nothing
	// else is checked on the machine.
	Sign string
	// Facilities has the manager's words for the facilities.
	Facilities map[Facility]string
	// Omissions are settings that only this manager's scripts leave out.
	Omissions []platform.Omission
	// NoWholeLimits says why the resources of a whole service cannot be limited.
	NoWholeLimits string

	// Action returns the manager's own command line for a script, Disable the one that
	// disables it at boot, and Beside the files that change the meaning of a script.
	Action  func(id platform.ID, verb string) []string
	Disable func(platform.ID) []string
	Beside  func(platform.ID) []string

	CheckID       func(platform.ID) error // in addition to the checks for every script
	CheckArgument func(arg string) error  // in addition to shell.CheckWord; may be nil
	CheckVariable func(name string) error // in addition to shell.CheckVariable; may be nil
}

// mark is the second line of every script that holdfast made and may replace and remove.
const mark = "# Made by holdfast"

// Scripts is the directory of the scripts.
const Scripts = "/etc/init.d"

// Path returns the path of the script of a service.
func Path(id platform.ID) string { return path.Join(Scripts, id.String()) }

// Output returns the path of the file with the output of a service.
func Output(id platform.ID) string { return path.Join("/var/log", id.String(), "output.log") }

func runtimeDir(id platform.ID) string { return path.Join("/run", id.String()) }
