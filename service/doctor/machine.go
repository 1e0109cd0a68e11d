package doctor

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A volume is full, or nearly full, if less than this is free. For small volumes only the
// share counts.
const (
	fullBytes = 1 << 20 // room for a state file, its copy, and some lines of log
	lowBytes  = 1 << 30
	lowShare  = 0.05
	fullFiles = 8
	lowFiles  = 1000
)

func each(volumes []Volume, judge func(Volume) (Finding, bool)) (all []Finding) {
	for _, v := range volumes {
		if f, ok := judge(v); ok {
			all = append(all, f)
		}
	}
	return all
}

func (v Volume) noSpace() bool {
	return v.Size > 0 && v.Free < min(fullBytes, v.Size/100)+1 && !v.ReadOnly
}

func (v Volume) noFiles() bool {
	return v.Files > 0 && v.Left < min(fullFiles, v.Files/100)+1 && !v.ReadOnly
}

func diskFull(f Facts) []Finding {
	return each(f.Volumes, func(v Volume) (Finding, bool) {
		return found(Error, "no space is left on the file system of %s, where it keeps its %s: %s of %s are free",
			v.Path, strings.Join(v.Roles, ", "), size(v.Free), size(v.Size)), v.noSpace()
	})
}

func diskLow(f Facts) []Finding {
	return each(f.Volumes, func(v Volume) (Finding, bool) {
		low := !v.noSpace() && !v.ReadOnly && v.Free < lowBytes && float64(v.Free) < lowShare*float64(v.Size)
		return found(Warning, "only %s of %s are free on the file system of %s, where it keeps its %s",
			size(v.Free), size(v.Size), v.Path, strings.Join(v.Roles, ", ")), low
	})
}

func inodesFull(f Facts) []Finding {
	return each(f.Volumes, func(v Volume) (Finding, bool) {
		return found(Error, "no file can be made on the file system of %s, where it keeps its %s: %d of %d inodes are free",
			v.Path, strings.Join(v.Roles, ", "), v.Left, v.Files), v.noFiles()
	})
}

func inodesLow(f Facts) []Finding {
	return each(f.Volumes, func(v Volume) (Finding, bool) {
		low := v.Files > 0 && !v.noFiles() && !v.ReadOnly && v.Left < lowFiles && float64(v.Left) < lowShare*float64(v.Files)
		return found(Warning, "only %d of %d inodes are free on the file system of %s, where it keeps its %s",
			v.Left, v.Files, v.Path, strings.Join(v.Roles, ", ")), low
	})
}

func readOnly(f Facts) []Finding {
	return each(f.Volumes, func(v Volume) (Finding, bool) {
		return found(Error, "the file system of %s, where it keeps its %s, is mounted read-only", v.Path, strings.Join(v.Roles, ", ")).fix(v.remount("rw")), v.ReadOnly
	})
}

// remount returns the command that mounts the volume again with an option.
func (v Volume) remount(option string) string {
	if v.Mount == "" {
		return ""
	}
	return "mount -o remount," + option + " " + word(v.Mount)
}

func size(n uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	x, i := float64(n), 0
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}

// These are how far a clock may be off before there is a finding.
const (
	clockAhead = 2 * time.Minute
	clockSet   = 2 * time.Minute
)

func clockBehind(f Facts) []Finding {
	c := f.Clock
	if c.Ahead.IsZero() || c.Ahead.Sub(f.Now) < clockAhead {
		return nil
	}
	return only(found(Warning, "the clock is behind: it is %s now, but %s was written at %s", when(f.Now), c.Of, when(c.Ahead)))
}

func clockJumped(f Facts) []Finding {
	d := f.Clock.Jump
	way := "forward"
	if d < 0 {
		way = "back"
	}
	if d == math.MinInt64 || d.Abs() < clockSet {
		return nil
	}
	return only(found(Note, "the clock was set %s by %v after process %d was started: times before and after that in its log and files do not compare",
		way, d.Abs().Round(time.Second), f.Life.PID))
}

// nearly is the share of a limit at which the limit is nearly used.
const nearly = 0.8

func memoryNearlyUsed(f Facts) []Finding { return f.nearlyUsed("memory") }
func filesNearlyUsed(f Facts) []Finding  { return f.nearlyUsed("open files") }
func tasksNearlyUsed(f Facts) []Finding  { return f.nearlyUsed("tasks") }

func (f Facts) nearlyUsed(what string) (all []Finding) {
	for _, u := range append(append([]platform.Use{}, f.Uses...), f.Manager.Examined.Uses...) {
		if u.What != what || u.Max == 0 || float64(u.Used) < nearly*float64(u.Max) {
			continue
		}
		used, most := fmt.Sprint(u.Used), fmt.Sprint(u.Max)
		key := "nofile"
		switch what {
		case "memory":
			used, most, key = size(u.Used), size(u.Max), "memory"
		case "tasks":
			key = "tasks"
		}
		all = append(all, found(Warning, "process %d uses %s of the %s of %s that it may use (%.0f %%): raise [service.limits] %s, or find out what uses them",
			f.Life.PID, used, most, what, 100*float64(u.Used)/float64(u.Max), key))
	}
	return all
}

func noManager(f Facts) []Finding {
	m := f.Manager
	if m.None == "" || !m.Wanted {
		return nil
	}
	return only(found(Note, "%s; `run` works without one, but nothing restarts the service", m.None))
}

func unseen(f Facts) []Finding {
	if len(f.Unseen) == 0 {
		return nil
	}
	var lines []string
	for _, u := range f.Unseen {
		lines = append(lines, u.What+": "+u.Why)
	}
	what := "1 thing could not be examined"
	if n := len(f.Unseen); n > 1 {
		what = fmt.Sprintf("%d things could not be examined", n)
	}
	return only(found(Note, "%s: %s", what, lines[0]).details(lines[1:]...))
}

// patience is how long an alarm may wait for its delivery, which is tried again and again,
// before somebody should know.
const patience = 15 * time.Minute

func alarmUndelivered(f Facts) []Finding {
	a := f.Alarm
	why := prefixed(": ", a.Error)
	switch {
	case a.Waiting > 0 && (a.Error != "" || f.Now.Sub(a.Since) > patience):
		return only(found(Warning, "its alarms are not being delivered (%d waiting, the oldest since %s)%s", a.Waiting, when(a.Since), why))
	case a.Dropped > 0:
		return only(found(Warning, "%d alarms were dropped, because they could not be delivered%s", a.Dropped, why))
	case a.Error != "":
		return only(found(Warning, "the last alarm could not be delivered%s", why))
	}
	return nil
}
