//go:build !linux

package wrap

import "github.com/holdfast-dev/holdfast/platform/proc"

// A reaper does nothing on this system. On Windows the job object has all processes. On other systems a
// process that has left the process group cannot be found.
type reaper struct{}

func (reaper) adopt(string, proc.Identity) error { return nil }
func (reaper) release()                          {}
func (reaper) others() []int                     { return nil }
func (reaper) sweep() (int, error)               { return 0, nil }
func (reaper) mark() (string, bool)              { return "", false }

// exited reports whether the process has ended, as far as known.
func (p *process) exited() bool { return p.hasEnded() }
