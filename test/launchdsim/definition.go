//go:build linux

package launchdsim

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"howett.net/plist"
)

// A definition is a property list as far as the double understands it.
type definition struct {
	Label                  string
	Program                string
	ProgramArguments       []string
	EnvironmentVariables   map[string]string
	UserName               string
	GroupName              string
	WorkingDirectory       string
	Umask                  *int
	RunAtLoad              bool
	KeepAlive              any
	ThrottleInterval       *int
	ExitTimeOut            *int
	AbandonProcessGroup    bool
	LimitLoadToSessionType any
	StandardOutPath        string
	StandardErrorPath      string
	Disabled               bool

	path string
}

// read reads and checks a property list. The code is 0 if it can be loaded. Its file must
// belong to owner or to root.
func (d *Double) read(path string, owner int) (definition, int) {
	info, err := os.Stat(d.on(path))
	if err != nil {
		return definition{}, codeIO
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || info.Mode()&0o022 != 0 || !info.Mode().IsRegular() ||
		int(stat.Uid) != owner && int(stat.Uid) != d.Root {
		return definition{}, codeOwnership
	}
	content, err := os.ReadFile(d.on(path))
	if err != nil {
		return definition{}, codeIO
	}
	def := definition{path: path}
	if format, err := plist.Unmarshal(content, &def); err != nil || format != plist.XMLFormat {
		return definition{}, codeNotAList
	}
	switch {
	case def.Label == "":
		return definition{}, codeNoLabel
	case def.program() == "":
		return definition{}, codeNoProgram
	case !def.understood():
		return definition{}, codeNotAList
	}
	return def, 0
}

func (f definition) program() string {
	if f.Program == "" && len(f.ProgramArguments) > 0 {
		return f.ProgramArguments[0]
	}
	return f.Program
}

// understood reports whether the double supports this KeepAlive.
func (f definition) understood() bool {
	switch k := f.KeepAlive.(type) {
	case nil, bool:
		return true
	case map[string]any:
		_, ok := k["SuccessfulExit"].(bool)
		return ok && len(k) == 1
	}
	return false
}

// again reports whether a job that ended this way is started again.
func (f definition) again(clean bool) bool {
	switch k := f.KeepAlive.(type) {
	case bool:
		return k
	case map[string]any:
		return k["SuccessfulExit"] == clean
	}
	return false
}

// atOnce reports whether the job starts when it is loaded.
func (f definition) atOnce() bool {
	always, _ := f.KeepAlive.(bool)
	_, conditional := f.KeepAlive.(map[string]any)
	return f.RunAtLoad || always || conditional
}

func (f definition) throttle() time.Duration {
	if f.ThrottleInterval == nil {
		return 10 * time.Second
	}
	return time.Duration(*f.ThrottleInterval) * time.Second
}

func (f definition) exitTimeOut() time.Duration {
	if f.ExitTimeOut == nil {
		return 5 * time.Second
	}
	return time.Duration(*f.ExitTimeOut) * time.Second
}

// background reports whether an agent may be loaded into a user's background session.
func (f definition) background() bool {
	switch s := f.LimitLoadToSessionType.(type) {
	case string:
		return s == "Background"
	case []any:
		return slices.Contains(s, any("Background"))
	}
	return false
}

// on returns where a path of the machine is on the host.
func (d *Double) on(path string) string { return filepath.Join(d.Prefix, path) }

// daemons returns the property lists that a boot loads.
func (d *Double) daemons() []string {
	files, _ := fs.Glob(os.DirFS(d.on("/Library/LaunchDaemons")), "*.plist")
	for i, f := range files {
		files[i] = filepath.Join("/Library/LaunchDaemons", f)
	}
	return files
}
