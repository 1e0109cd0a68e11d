package migrate

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// Found is a service as another definition has it.
type Found struct {
	Kind    string // what it was read from, for people: "systemd unit"
	Manager string // that has a room in holdfast and keeps it: "systemd"; empty: none
	Name    string
	Command []string // what it runs: a program, as it is named there, and its arguments
	// Config has everything but the command: that a program of its own runs, with what
	// arguments, is for the caller to say.
	Config service.Config
	Scope  platform.Scope
	Ours   bool // it has holdfast's own mark: there is nothing to migrate
	Lost   []Lost
}

// Lost is something of the definition that the Config does not say.
type Lost struct {
	Key   string `json:"key"` // as the definition has it
	Value string `json:"value,omitempty"`
	Why   string `json:"why"` // what holds instead, or what to do
}

// ErrUnknown means that the text is of no kind that can be read.
var ErrUnknown = errors.New("is no definition of a service that can be read: a systemd unit, an init script, a launchd property list, a section [program:NAME] of supervisord, an XML file of WinSW, or a registry key of NSSM")

// lose notes what has no counterpart. A value that may be a secret is left out by the caller.
func (f *Found) lose(key, value, why string, args ...any) {
	l := Lost{Key: key, Value: value, Why: fmt.Sprintf(why, args...)}
	if !slices.Contains(f.Lost, l) {
		f.Lost = append(f.Lost, l)
	}
}

// Read reads the definition in text, which stands in a file of that name. The name
// decides what kind it is only where the text does not.
func Read(file, text string) (*Found, error) {
	text = decoded(text)
	for _, k := range []struct {
		is   func(file, text string) bool
		read func(f *Found, text string) error
	}{
		{isPropertyList, readPropertyList},
		{isWinSW, readWinSW},
		{isRegistry, readRegistry},
		{isSupervisord, readSupervisord},
		{isScript, readScript},
		{isUnit, readUnit},
	} {
		if !k.is(file, text) {
			continue
		}
		base := path.Base(strings.ReplaceAll(file, `\`, "/"))
		f := &Found{Name: strings.TrimSuffix(base, path.Ext(base)), Scope: platform.ScopeSystem}
		if err := k.read(f, text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		f.Config.Name, f.Ours = f.Name, f.marked(text)
		return f, nil
	}
	return nil, fmt.Errorf("%s: %w", file, ErrUnknown)
}

// marked reports whether a definition bears the mark of holdfast's, which units and
// scripts have as a line and property lists as a value.
func (f *Found) marked(text string) bool {
	const mark = "Made by holdfast"
	if f.Manager == "launchd" {
		return strings.Contains(text, ">"+mark+": ") || strings.HasPrefix(text, "bplist0") && strings.Contains(text, mark+": ")
	}
	return strings.Contains("\n"+text, "\n# "+mark)
}

// unhardened is a service from which nothing is taken.
func unhardened() service.Hardening {
	const off = service.Off
	return service.Hardening{
		NoNewPrivileges: off, ProtectSystem: off, ProtectHome: off, PrivateTmp: off, PrivateDevices: off,
		ProtectKernel: off, ProtectProc: off, RestrictNetwork: off, RestrictSyscalls: off, MemoryDenyWrite: off,
		Capabilities: []string{"all"},
	}
}
