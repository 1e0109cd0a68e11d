package platform

import (
	"errors"
	"fmt"
	"strings"
)

// ErrForeign means that the manager has a definition of that name which holdfast
// did not write. Nothing is done to it that nobody asked for by name.
var ErrForeign = errors.New("was not made by holdfast")

// Definition is what a manager has a service by: a unit, a script, a property
// list, a registration. It is found out by the manager; what may be done with it
// is decided by [Definition.Refuse] and [Definition.Replace], for all of them.
type Definition struct {
	Path  string          `json:"path"`            // its file, or the name of what is no file
	Ours  bool            `json:"ours"`            // it has holdfast's mark, each manager its own
	State DefinitionState `json:"state,omitempty"` // if there is more to it than a file
	// Source is what a link leads to, or what the definition was generated from.
	Source  string   `json:"source,omitempty"`
	DropIns []DropIn `json:"drop_ins,omitempty"` // what others have put beside it, and what that sets
	// Command is the command line that it has, where it is no file that says so.
	Command string `json:"-"`
	// Own are the manager's own command lines for it, by what they do: "start",
	// "stop", and so on. One that is not there the manager does not have.
	Own map[string]string `json:"-"`
}

// DefinitionState is what a definition is, if it is not simply a file.
type DefinitionState string

// The states, as systemctl(1) has them under is-enabled. Other managers have none of them.
const (
	DefinitionMasked    DefinitionState = "masked"    // the administrator keeps the name from being used
	DefinitionLinked    DefinitionState = "linked"    // a link in the place of the file leads to it
	DefinitionStatic    DefinitionState = "static"    // nothing says at what it would be started
	DefinitionGenerated DefinitionState = "generated" // made by a program at each boot
)

// DropIn is a file that changes a definition from outside of it.
type DropIn struct {
	Path string   `json:"path"`
	Keys []string `json:"keys,omitempty"` // that it sets; none if it cannot be read
}

// String is for people.
func (d DropIn) String() string {
	if len(d.Keys) == 0 {
		return d.Path
	}
	return d.Path + " sets " + strings.Join(d.Keys, ", ")
}

// String says what it is and where, for people: "/etc/init.d/feedd", "the
// generated /run/... (from /etc/init.d/feedd)".
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

// Refuse is the one decision on what a verb may act on: what holdfast made, and
// nothing else. The error wraps [ErrForeign] and [ErrPermission] and says how to
// get on; it is nil for a nil Definition, which is none. The verbs are those of
// [Manager], "status" aside, and "uninstall".
func (d *Definition) Refuse(verb string) error {
	switch {
	case d == nil:
		return nil
	case d.State == DefinitionMasked:
		return d.refused("the administrator keeps the name from being used", d.instead("unmask"))
	case d.Ours:
		return nil
	}
	return d.refused("", d.instead(verb)+", or take it over: install --adopt")
}

// Replace is the decision on an install in the place of d. A definition of
// somebody else is replaced only where adopt says so, and what is masked or a link
// never: that is what the administrator has decided.
func (d *Definition) Replace(adopt bool) error {
	switch {
	case d == nil:
		return nil
	case d.State == DefinitionMasked:
		return d.refused("the administrator keeps the name from being used", d.instead("unmask")+", or choose another name")
	case d.State == DefinitionLinked:
		return d.refused("what it leads to would be hidden, or changed", d.instead("disable")+" removes the link")
	case !d.Ours && !adopt:
		return d.refused("", "install --adopt takes it over after showing the difference; or choose another name")
	}
	return nil
}

// instead is what to use in place of a command of ours.
func (d *Definition) instead(verb string) string {
	if own := d.Own[verb]; own != "" {
		return own
	}
	return "use the manager's own commands"
}

func (d *Definition) refused(why, instead string) error {
	return &foreignError{what: d.String(), why: why, instead: instead, ours: d.Ours}
}

// foreignError is a refusal with the way out.
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
