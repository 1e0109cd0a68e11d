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

// Found is a service as its old definition describes it.
type Found struct {
	Kind    string // the kind of definition, for people: "systemd unit"
	Manager string // its manager, if holdfast supports it: "systemd"; empty: none
	Name    string
	Command []string // the program, as the definition names it, and its arguments
	// Config has everything but the command. The caller decides how its own program takes the
	// place of the old one, and with which arguments.
	Config service.Config
	Scope  platform.Scope
	Ours   bool // it has the mark of holdfast: there is nothing to migrate
	Lost   []Lost
}

// A Lost is a setting of the definition that Config does not have.
type Lost struct {
	Key   string `json:"key"` // as in the definition
	Value string `json:"value,omitempty"`
	Why   string `json:"why"` // what applies instead, or what to do
}

// ErrUnknown means that the text is no kind of definition that can be read.
var ErrUnknown = errors.New("is not a known kind of service definition: a systemd unit, an init script, a launchd property list, a section [program:NAME] of supervisord, an XML file of WinSW, or a registry key of NSSM")

// lose records a setting without a counterpart. The caller leaves out a value that may be
// secret.
func (f *Found) lose(key, value, why string, args ...any) {
	l := Lost{Key: key, Value: value, Why: fmt.Sprintf(why, args...)}
	if !slices.Contains(f.Lost, l) {
		f.Lost = append(f.Lost, l)
	}
}

// Read reads the definition in text, which comes from a file of that name. The name decides
// the kind of definition only if the text does not.
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

// marked reports whether a definition has the mark of holdfast. In units and scripts the mark
// is a line, and in property lists it is a value.
func (f *Found) marked(text string) bool {
	const mark = "Made by holdfast"
	if f.Manager == "launchd" {
		return strings.Contains(text, ">"+mark+": ") || strings.HasPrefix(text, "bplist0") && strings.Contains(text, mark+": ")
	}
	return strings.Contains("\n"+text, "\n# "+mark)
}

// unhardened returns a hardening with every switch off.
func unhardened() service.Hardening {
	const off = service.Off
	return service.Hardening{
		NoNewPrivileges: off, ProtectSystem: off, ProtectHome: off, PrivateTmp: off, PrivateDevices: off,
		ProtectKernel: off, ProtectProc: off, RestrictNetwork: off, RestrictSyscalls: off, MemoryDenyWrite: off,
		Capabilities: []string{"all"},
	}
}
