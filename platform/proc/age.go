package proc

import "time"

// Age returns how long the process has run, by a clock that nobody can set and that includes
// the time in which the machine sleeps. The error is errors.ErrUnsupported on all systems but
// Linux.
func (id Identity) Age() (time.Duration, error) { return age(id) }
