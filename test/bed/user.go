package bed

import (
	"context"
	"fmt"
	"strconv"
)

// AddUser creates a user with a home directory, unless there is one of that name, and returns
// the user id. In a systemd bed the user lingers, and the user's manager (user@UID.service) is
// running when AddUser returns and after each reboot, so that [Bed.CommandAs] reaches it.
func (b *Bed) AddUser(ctx context.Context, name string) (uid int, err error) {
	var steps [][]string
	if _, err := b.lookup(name); err != nil {
		steps = append(steps, []string{"useradd", "--create-home", "--shell", "/bin/sh", name})
	}
	if b.kind.Manager == "systemd" {
		steps = append(steps, []string{"loginctl", "enable-linger", name})
	}
	for _, argv := range steps {
		if err := b.check(ctx, argv); err != nil {
			return 0, fmt.Errorf("add user %q: %w", name, err)
		}
	}
	u, err := b.lookup(name)
	if err != nil {
		return 0, fmt.Errorf("add user %q: %w", name, err)
	}
	if b.kind.Manager == "systemd" {
		// Lingering starts the manager some time later. A start job waits for its READY=1.
		if err := b.check(ctx, []string{"systemctl", "start", "user@" + strconv.Itoa(u.uid) + ".service"}); err != nil {
			return 0, fmt.Errorf("add user %q: %w", name, err)
		}
	}
	return u.uid, nil
}

// check runs argv and turns any failure into an error.
func (b *Bed) check(ctx context.Context, argv []string) error {
	_, stderr, code, err := b.Run(ctx, argv...)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("%q in bed %s: exit code %d: %s", argv, b.Name(), code, lastLines(stderr, 5))
	}
	return nil
}
