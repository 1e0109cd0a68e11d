//go:build !linux

package wrap

import "github.com/holdfast-dev/holdfast/platform/proc"

// reaper: there is none here. On Windows nobody is an orphan, for the job has them all; elsewhere
// who leaves the process group is lost.
type reaper struct{}

func (reaper) adopt(string, proc.Identity) error { return nil }
func (reaper) release()                          {}
func (reaper) others() []int                     { return nil }
func (reaper) sweep() (int, error)               { return 0, nil }
func (reaper) mark() (string, bool)              { return "", false }

// exited reports whether the process has ended, as far as is known.
func (p *process) exited() bool { return p.hasEnded() }
