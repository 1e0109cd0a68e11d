package room

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// Refusals collects the settings of a unit that a manager cannot honour, so that a person
// learns of all of them at once. The zero Refusals is empty. It must be used by one goroutine
// at a time.
type Refusals struct{ errs []error }

// Refuse adds a setting that cannot be honoured, by its key in the configuration file, and the
// reason.
func (r *Refusals) Refuse(field, format string, args ...any) {
	r.Add(&platform.UnitError{Key: field, Err: fmt.Errorf(format, args...)})
}

// RefuseIf calls Refuse if is holds.
func (r *Refusals) RefuseIf(is bool, field, format string, args ...any) {
	if is {
		r.Refuse(field, format, args...)
	}
}

// RefuseIfNot adds the error of [platform.OneOf] or a similar check. It ignores nil.
func (r *Refusals) RefuseIfNot(field string, err error) {
	if err != nil {
		r.Refuse(field, "%w", err)
	}
}

// Add adds a complete error, unless it is nil or was added before.
func (r *Refusals) Add(err error) {
	if err != nil && !slices.ContainsFunc(r.errs, func(noted error) bool { return noted.Error() == err.Error() }) {
		r.errs = append(r.errs, err)
	}
}

// Err returns everything that was added, as an error about the definition, or nil.
func (r *Refusals) Err(definition string, id platform.ID) error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s %q: %w", definition, id.String(), errors.Join(r.errs...))
}

// CheckRestart adds what no manager could honour in a restart policy.
func (r *Refusals) CheckRestart(restart platform.Restart) {
	restart.Check(func(key string, err error) { r.RefuseIfNot("restart."+key, err) })
}

// CheckUmask adds a mask with more than permission bits.
func (r *Refusals) CheckUmask(u platform.Unit) {
	mask := *u.WithDefaults().Umask
	r.RefuseIf(mask&^0o777 != 0, "umask", "%#o: has bits that are not permissions", uint32(mask))
}

// RefuseActivation adds an activation, for the managers that do not listen for a service.
func (r *Refusals) RefuseActivation(u platform.Unit) {
	r.RefuseIf(u.Activation != "", "activation", "%q: only systemd listens for a service: without this key the service opens its sockets itself", u.Activation)
}
