package bed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Limits that hold even if the caller's context has none.
const (
	bootLimit  = wait.Limit
	powerLimit = wait.Limit // systemd gives a unit 90 s to stop
	// openrc-run 0.56 can miss the end of a child, and wait for it forever. After this time it is taken to do so.
	openrcHangs = 2 * time.Minute
)

// ErrOff means that the bed is not running: it was powered off or closed.
var ErrOff = errors.New("the bed is off")

// A Bed is a machine with a real init, made by [Boot] or [Require]. Its methods are safe for
// concurrent use, but only one goroutine at a time should control its power ([Bed.PowerOn],
// [Bed.PowerOff], [Bed.PowerCut], [Bed.Reboot], [Bed.Close]).
//
// A bed ends with the process that booted it, however that process ends: the kernel kills the
// bed then. The directory that it leaves behind in that case is removed when the next bed
// boots.
type Bed struct {
	kind Kind
	m    *machine
}

// Boot starts a machine of that kind, and returns when its init has finished starting. systemd
// has then reached its default target (with or without failed units: see `systemctl
// is-system-running`); sysvinit and OpenRC have run everything of the default runlevel. ctx
// and [wait.Limit] limit the boot, not the life of the bed. An OpenRC that hangs while it boots
// is booted again. The error has the last lines of the console. The caller must call
// [Bed.Close].
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
	if err := m.firstOn(ctx, kind.Manager); err != nil {
		return nil, errors.Join(fmt.Errorf("boot bed %s: %w", kind.Name, err), m.close())
	}
	return &Bed{kind: kind, m: m}, nil
}

// firstOn is on, before anything of ours is on the disk. An OpenRC that hangs is switched off
// and on again; a slow machine gets twice the time at each try.
func (m *machine) firstOn(ctx context.Context, manager string) error {
	if manager != "openrc" {
		return m.on(ctx)
	}
	for limit := openrcHangs; ; limit *= 2 {
		try, cancel := context.WithTimeout(ctx, limit)
		err := m.on(try)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

// Kind returns the kind of the machine.
func (b *Bed) Kind() Kind { return b.kind }

// Name returns the name of the machine, which is unique among those that are running. It is
// also its host name.
func (b *Bed) Name() string { return b.m.name }

// Leader returns the process id of the bed's init on the host, or 0 if the bed is off. It
// changes at each boot.
func (b *Bed) Leader() int { return b.m.leader() }

// Console returns what the machine has written to its console in all its boots, or the last
// part of it.
func (b *Bed) Console() string { return b.m.console.String() }

// Off returns a channel that is closed when the running machine is off: powered off from
// inside or outside, killed, or closed. A reboot requested inside the bed also only ends the
// machine; [Bed.PowerOn] starts it again.
func (b *Bed) Off() <-chan struct{} { return b.m.off() }

// PowerOn boots the bed again from its disk. It waits as [Boot] does. It returns an error if
// the bed is running.
func (b *Bed) PowerOn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	if err := b.m.on(ctx); err != nil {
		return fmt.Errorf("power on bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}

// PowerOff requests a shutdown from the init and waits for its end. If ctx or [wait.Limit]
// ends first, the machine is left as it is, still shutting down. It is no error if the bed is
// off already. An OpenRC that has not finished after two minutes hangs, and its power is cut.
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
	// What has been shut down until then is on disk.
	var stuck <-chan time.Time
	if b.kind.Manager == "openrc" {
		stuck = time.After(openrcHangs)
	}
	// The result of the command says nothing, because the shutdown may have overtaken it.
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

// PowerCut ends the machine like a power cut: every process is killed at once, and nothing is
// stopped. Everything that was written stays on its disk, synced or not, because the host's
// page cache survives. PowerCut waits until nothing is running any more. It is no error if the
// bed is off.
func (b *Bed) PowerCut() error {
	if err := b.m.cut(); err != nil {
		return fmt.Errorf("cut power of bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}

// Reboot is PowerOff followed by PowerOn. The boot id changes, the disk stays, and /run is
// empty again.
func (b *Bed) Reboot(ctx context.Context) error {
	if err := b.PowerOff(ctx); err != nil {
		return err
	}
	return b.PowerOn(ctx)
}

// Close kills everything in the bed and removes its processes, mounts, control groups and
// directory. It takes at most some seconds. Further calls do nothing.
func (b *Bed) Close() error {
	if err := b.m.close(); err != nil {
		return fmt.Errorf("close bed %s (%s): %w", b.Name(), b.kind.Name, err)
	}
	return nil
}
