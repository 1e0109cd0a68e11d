package platform

import "fmt"

// UnitError is one thing of a [Unit] that a manager cannot honour. It is [ErrBadUnit].
type UnitError struct {
	Key string // of the setting, as in the [service] table: "restart.delay"; or a word for what is none
	Err error
}

func (e *UnitError) Error() string { return fmt.Sprintf("%s %v", e.Key, e.Err) }

// Unwrap gives the reason, and [ErrBadUnit].
func (e *UnitError) Unwrap() []error { return []error{e.Err, ErrBadUnit} }

// UnitErrors are those that err is made of, in its order.
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
