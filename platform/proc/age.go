package proc

import "time"

// Age is for how long the process has run, by a clock that nobody sets and that goes on
// while the machine sleeps. The error is errors.ErrUnsupported where its start is not
// known by such a clock: everywhere but on Linux.
func (id Identity) Age() (time.Duration, error) { return age(id) }
