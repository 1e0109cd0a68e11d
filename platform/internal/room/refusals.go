package room

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// Refusals collects what a manager cannot honour of a unit, so that a person
// learns of everything at once. The zero Refusals is empty. One goroutine uses it.
type Refusals struct{ errs []error }

// Refuse notes that a field of the unit, named by its key in the configuration
// file, cannot be honoured, and why.
func (r *Refusals) Refuse(field, format string, args ...any) {
	r.Add(&platform.UnitError{Key: field, Err: fmt.Errorf(format, args...)})
}

// RefuseIf does so where something is the case.
func (r *Refusals) RefuseIf(is bool, field, format string, args ...any) {
	if is {
		r.Refuse(field, format, args...)
	}
}

// RefuseIfNot notes what [platform.OneOf] and its like found wrong with a field; nil is nothing.
func (r *Refusals) RefuseIfNot(field string, err error) {
	if err != nil {
		r.Refuse(field, "%w", err)
	}
}

// Add notes an error that is complete, once; nil is none.
func (r *Refusals) Add(err error) {
	if err != nil && !slices.ContainsFunc(r.errs, func(noted error) bool { return noted.Error() == err.Error() }) {
		r.errs = append(r.errs, err)
	}
}

// Err is everything that was noted, as what is wrong with that definition; nil if
// nothing was.
func (r *Refusals) Err(definition string, id platform.ID) error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s %q: %w", definition, id.String(), errors.Join(r.errs...))
}

// CheckRestart notes what of a restart policy nobody could honour.
func (r *Refusals) CheckRestart(restart platform.Restart) {
	restart.Check(func(key string, err error) { r.RefuseIfNot("restart."+key, err) })
}

// CheckUmask notes a mask that is more than permissions.
func (r *Refusals) CheckUmask(u platform.Unit) {
	mask := *u.WithDefaults().Umask
	r.RefuseIf(mask&^0o777 != 0, "umask", "%#o: is more than permissions", uint32(mask))
}
