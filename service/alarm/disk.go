package alarm

import (
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// low describes what s lacks according to c, or returns "" if it has enough. If the disk was
// low before, it needs a fifth more than the limit to be no longer low.
func (c Config) low(s files.Space, was bool) string {
	c = c.WithDefaults()
	low := func(free, limit uint64) bool {
		if was {
			limit += limit / 5
		}
		return free < limit
	}
	percent := uint64(max(0, c.DiskFreePercent)) //nolint:gosec // not negative
	switch {
	case s.Size > 0 && low(s.Free, min(uint64(c.DiskFree), s.Size/100*percent)):
		return fmt.Sprintf("%d MiB of %d MiB are free", s.Free>>20, s.Size>>20)
	case s.Inodes > 0 && low(s.FreeInodes, s.Inodes/100*percent):
		return fmt.Sprintf("%d of %d inodes are free", s.FreeInodes, s.Inodes)
	}
	return ""
}

// scout looks at the disks and for notes until the desk is closed. It looks for notes when the system reports a change in
// their directory, or every second if the system reports none. If a disk does not answer, only
// scout waits for it.
func (d *Desk) scout() {
	changes := d.o.Changes
	if changes == nil {
		changes = unseen{}
	}
	defer changes.Close()
	low := map[string]bool{} // by directory
	next := time.NewTimer(d.o.system.every)
	defer next.Stop()
	var looked, took time.Time
	var told <-chan struct{} // nil while the timer is set for the next change already
	for {
		select {
		case <-next.C:
		case <-d.again: // at the beginning, too
		case <-told: // it may be one of a storm
			told = nil
			next.Reset(d.o.system.every - time.Since(took))
			continue
		case <-d.ctx.Done():
			return
		}
		c := d.inForce()
		if now := time.Now(); looked.IsZero() || now.Sub(looked) >= c.DiskEvery {
			looked = now
			d.lookAtDisks(c, low)
			if d.o.Look != nil {
				d.o.Look(d)
			}
		}
		blind := changes.Arm() != nil // before the look, so that no note is missed
		took = time.Now()
		d.takeNotes()
		told = changes.Told()
		pause := time.Until(looked.Add(c.DiskEvery))
		if blind {
			pause = min(pause, d.o.system.every)
		}
		next.Reset(pause)
	}
}

// lookAtDisks reports the level of each file system once.
func (d *Desk) lookAtDisks(c Config, low map[string]bool) {
	seen := map[string]bool{}
	for _, dir := range d.o.Dirs {
		s, err := d.o.system.space(dir)
		if err != nil || s.Device != "" && seen[s.Device] {
			continue // an unusable directory is reported elsewhere
		}
		seen[s.Device] = true
		text := c.low(s, low[dir])
		low[dir] = text != ""
		if text == "" {
			d.Level(DiskLow, dir, 0, "")
			continue
		}
		d.Level(DiskLow, dir, 1, fmt.Sprintf("the disk of %s is nearly full: %s", dir, text))
	}
}
