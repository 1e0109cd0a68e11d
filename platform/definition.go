package platform

import (
	"errors"
	"fmt"
	"strings"
)

// ErrForeign means that the manager has a definition with this name that holdfast did not
// write. Such a definition is changed only on explicit request.
var ErrForeign = errors.New("was not made by holdfast")

// A Definition describes the service definition that a manager has: a unit, a script, a
// property list or a registration. The manager finds it. [Definition.Refuse] and
// [Definition.Replace] decide, for all managers, what may be done with it.
type Definition struct {
	Path  string          `json:"path"`            // of its file, or the name of a registration
	Ours  bool            `json:"ours"`            // it has holdfast's mark, which differs between managers
	State DefinitionState `json:"state,omitempty"` // empty: a plain file or registration
	// Source is the target of a link, or the file from which the definition was generated.
	Source  string   `json:"source,omitempty"`
	DropIns []DropIn `json:"drop_ins,omitempty"` // files of others that change it
	// Command is the command line in the definition, if that is not a file.
	Command string `json:"-"`
	// Own has the manager's own command lines for the service, by verb: "start", "stop", and
	// so on. Verbs that the manager does not have are missing.
	Own map[string]string `json:"-"`
}

// A DefinitionState is the state of a definition that is more than a plain file.
type DefinitionState string

// The states, named as in systemctl(1), is-enabled. Other managers have none of them.
const (
	DefinitionMasked    DefinitionState = "masked"    // the administrator has blocked the name
	DefinitionLinked    DefinitionState = "linked"    // a link to a file elsewhere
	DefinitionStatic    DefinitionState = "static"    // has no [Install] section, so it cannot be enabled
	DefinitionGenerated DefinitionState = "generated" // made by a generator at each boot
)

// A DropIn is a separate file that changes a definition.
type DropIn struct {
	Path string   `json:"path"`
	Keys []string `json:"keys,omitempty"` // the keys that it sets; empty if it cannot be read
}

// String describes the drop-in for people.
func (d DropIn) String() string {
	if len(d.Keys) == 0 {
		return d.Path
	}
	return d.Path + " sets " + strings.Join(d.Keys, ", ")
}

// String describes the definition for people: "/etc/init.d/feedd", "the generated /run/...
// (from /etc/init.d/feedd)".
func (d *Definition) String() string {
	text := d.Path
	switch d.State {
	case DefinitionMasked:
		return text + " is masked"
	case DefinitionStatic, DefinitionGenerated:
		text = "the " + string(d.State) + " " + text
	case DefinitionLinked:
		return fmt.Sprintf("%s, a link to %s", text, d.Source)
	}
	if d.Source != "" {
		text += " (from " + d.Source + ")"
	}
	return text
}

// Refuse decides whether a verb may act on the definition: it may if holdfast made the
// definition. Otherwise the error wraps [ErrForeign] and [ErrPermission] and says what to do
// instead. For a masked definition of our own it wraps only [ErrPermission]. A nil Definition
// means that there is none, and Refuse returns nil. The verbs are those of [Manager] without
// "status", and "uninstall".
func (d *Definition) Refuse(verb string) error {
	switch {
	case d == nil:
		return nil
	case d.State == DefinitionMasked:
		return d.refused("the administrator has blocked this name", d.instead("unmask"))
	case d.Ours:
		return nil
	}
	return d.refused("", d.instead(verb)+", or take it over: install --adopt")
}

// Replace decides whether an install may replace d. A definition that holdfast did not make is
// replaced only if adopt is set. A masked or linked definition is never replaced, because it
// is a decision of the administrator. The errors are those of [Definition.Refuse].
func (d *Definition) Replace(adopt bool) error {
	switch {
	case d == nil:
		return nil
	case d.State == DefinitionMasked:
		return d.refused("the administrator has blocked this name", d.instead("unmask")+", or choose another name")
	case d.State == DefinitionLinked:
		return d.refused("the target of the link would be hidden or changed", d.instead("disable")+" removes the link")
	case !d.Ours && !adopt:
		return d.refused("", "install --adopt takes it over after showing the difference; or choose another name")
	}
	return nil
}

// instead returns the manager's own command for a verb of ours.
func (d *Definition) instead(verb string) string {
	if own := d.Own[verb]; own != "" {
		return own
	}
	return "use the manager's own commands"
}

func (d *Definition) refused(why, instead string) error {
	return &foreignError{what: d.String(), why: why, instead: instead, ours: d.Ours}
}

// A foreignError is a refusal that says what to do instead.
type foreignError struct {
	what, why, instead string
	ours               bool
}

func (e *foreignError) Error() string {
	if e.why != "" {
		return fmt.Sprintf("%s: %s: %s", e.what, e.why, e.instead)
	}
	return fmt.Sprintf("%s %v: %s", e.what, ErrForeign, e.instead)
}

func (e *foreignError) Unwrap() []error {
	if e.ours {
		return []error{ErrPermission}
	}
	return []error{ErrForeign, ErrPermission}
}
