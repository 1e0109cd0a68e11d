package platform

import "fmt"

// A UnitError is a setting of a [Unit] that a manager cannot honour. It wraps [ErrBadUnit].
type UnitError struct {
	Key string // as in the [service] table: "restart.delay"; or a word for what is not a setting
	Err error
}

func (e *UnitError) Error() string { return fmt.Sprintf("%s %v", e.Key, e.Err) }

// Unwrap returns the reason and [ErrBadUnit].
func (e *UnitError) Unwrap() []error { return []error{e.Err, ErrBadUnit} }

// UnitErrors returns all the UnitErrors that err contains, in order.
func UnitErrors(err error) []*UnitError {
	switch e := err.(type) { //nolint:errorlint // the tree itself is walked
	case nil:
		return nil
	case *UnitError:
		return []*UnitError{e}
	case interface{ Unwrap() error }:
		return UnitErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*UnitError
		for _, inner := range e.Unwrap() {
			all = append(all, UnitErrors(inner)...)
		}
		return all
	}
	return nil
}
