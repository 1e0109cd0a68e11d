package initd

import (
	"path"

	"github.com/holdfast-dev/holdfast/platform"
)

// Dialect is what one manager's scripts have otherwise than the others'.
type Dialect struct {
	Manager  string // its name, and who a service says has started it
	Kind     string // what a script is called in errors: "init script"
	Template string // of a script: see Script.Render

	// Sign is a directory of every machine with this manager; one that does not
	// have it is not asked what else it has.
	Sign string
	// Facilities are the manager's words for what each machine has in its own way.
	Facilities map[Facility]string
	// Omissions are the settings that this manager's scripts leave out and others do not.
	Omissions []platform.Omission
	// NoWholeLimits says why a service as a whole cannot be limited.
	NoWholeLimits string

	// Action is the manager's own command line for a script, Disable the one that
	// has it started no more, and Beside are the files that change what a script says.
	Action  func(id platform.ID, verb string) []string
	Disable func(platform.ID) []string
	Beside  func(platform.ID) []string

	CheckID       func(platform.ID) error // besides what holds for every script
	CheckArgument func(arg string) error  // besides shell.CheckWord; nil: nothing
	CheckVariable func(name string) error // besides shell.CheckVariable; nil: nothing
}

// mark is the second line of every script that is ours to replace and to remove.
const mark = "# Made by holdfast"

// Scripts is the directory of the scripts.
const Scripts = "/etc/init.d"

// Path is the script of a service.
func Path(id platform.ID) string { return path.Join(Scripts, id.String()) }

// Output is the file with what a service prints.
func Output(id platform.ID) string { return path.Join("/var/log", id.String(), "output.log") }

func runtimeDir(id platform.ID) string { return path.Join("/run", id.String()) }
