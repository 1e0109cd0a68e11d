package bed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Bounds that hold even when the caller's context has none.
const (
	bootLimit  = wait.Limit
	powerLimit = wait.Limit // systemd gives a unit 90 s to stop
)

// ErrOff says that the bed is not running: it was powered off, or closed.
var ErrOff = errors.New("the bed is off")

// Bed is one machine with a real init, made by [Boot] or [Require]. Its methods may be called concurrently, but one goroutine
// at a time should decide about its power ([Bed.PowerOn], [Bed.PowerOff], [Bed.PowerCut], [Bed.Reboot], [Bed.Close]).
//
// A bed ends with the process that booted it, however that process ends: the kernel kills it then. The directory it
// leaves in that case is removed when the next bed boots.
type Bed struct {
	kind Kind
	m    *machine
}

// Boot starts a machine of that kind and returns when its init has finished starting: systemd reached its default target
// (with or without failed units: ask `systemctl is-system-running`), sysvinit and OpenRC have run everything of the default
// runlevel. ctx bounds the boot, not the life of the bed, and so does [wait.Limit]. The error carries the
// last lines of the console. The caller must [Bed.Close] it.
func Boot(ctx context.Context, kind Kind) (*Bed, error) {
	if err := usable(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	m, err := newMachine(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("boot bed %s: %w", kind.Name, err)
	}
	if err := m.on(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("boot bed %s: %w", kind.Name, err), m.close())
	}
	return &Bed{kind: kind, m: m}, nil
}

// Kind returns what sort of machine this is.
func (b *Bed) Kind() Kind { return b.kind }

// Name returns the name of this one machine, unique among those that run; it is its host name too.
func (b *Bed) Name() string { return b.m.name }

// Leader returns the process id, as the host sees it, of the bed's init; 0 when the bed is off. It changes at each boot.
func (b *Bed) Leader() int { return b.m.leader() }

// Console returns what the machine has written to its console in all its boots so far, or the last part of it.
func (b *Bed) Console() string { return b.m.console.String() }

// Off returns a channel that is closed when the machine that runs now is off: powered off from the inside or the outside,
// killed, or closed. A reboot asked for inside the bed ends there as well; [Bed.PowerOn] starts it again.
func (b *Bed) Off() <-chan struct{} { return b.m.off() }

// PowerOn boots the bed again, on the disk as it was left. It waits as [Boot] does. A bed that runs is an error.
func (b *Bed) PowerOn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	if err := b.m.on(ctx); err != nil {
		return fmt.Errorf("power on bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}

// PowerOff asks the init to shut down and waits until it has. When ctx, or [wait.Limit], ends first the machine is left
// as it is, still shutting down. A bed that is off already is no error. An OpenRC that has not ended after a third of that
// limit is hung, and has its power cut.
func (b *Bed) PowerOff(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, powerLimit)
	defer cancel()
	off := b.Off()
	argv := []string{"telinit", "0"}
	if b.kind.Manager == "systemd" {
		argv = []string{"systemctl", "poweroff"}
	}
	_, stderr, code, err := b.Run(ctx, argv...)
	if errors.Is(err, ErrOff) {
		return nil
	}
	// openrc-run 0.56 can lose the end of a child, and wait for it for ever. What was shut down until then stands on the disk.
	var stuck <-chan time.Time
	if b.kind.Manager == "openrc" {
		stuck = time.After(powerLimit / 3)
	}
	// How the command ended says nothing by itself: the shutdown it asked for may have overtaken it.
	select {
	case <-off:
		return nil
	case <-stuck:
		return b.PowerCut()
	case <-ctx.Done():
		return fmt.Errorf("power off bed %s (%s): %w (%q: code %d, %s, stderr: %s)",
			b.Name(), b.kind.Name, ctx.Err(), argv, code, fmt.Sprint(err), lastLines(stderr, 3))
	}
}

// PowerCut ends the machine as a power cut does: every process in it is killed at once, nothing is stopped. What was written
// stays on its disk, synced or not: the host's page cache survives. It waits until nothing runs any more. A bed that is off is
// no error.
func (b *Bed) PowerCut() error {
	if err := b.m.cut(); err != nil {
		return fmt.Errorf("cut power of bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}

// Reboot is PowerOff, then PowerOn. The boot id changes; what is on the disk stays; /run is empty again.
func (b *Bed) Reboot(ctx context.Context) error {
	if err := b.PowerOff(ctx); err != nil {
		return err
	}
	return b.PowerOn(ctx)
}

// Close kills what still runs in the bed and removes everything of it: processes, mounts, control groups, its directory. It
// takes no more than some seconds. Closing again does nothing.
func (b *Bed) Close() error {
	if err := b.m.close(); err != nil {
		return fmt.Errorf("close bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}
