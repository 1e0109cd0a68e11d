//go:build linux

package behaviour_test

import (
	"context"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// doubled is a bed in which a double of launchd manages the services. Its init has nothing to
// do with them.
type doubled struct{ *bed.Bed }

func (d doubled) Kind() bed.Kind { return bed.Kind{Name: "launchd-double", Manager: "launchd"} }

// TestBehaviourOnLaunchdDouble plays the scripts against test/launchdsim, a DOUBLE of launchd.
// It proves that holdfast copes with what is known of launchd, and not that launchd behaves
// so.
func TestBehaviourOnLaunchdDouble(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	scripts(t, double(t))
}

// double returns a bed with the double and the programs of the scripts, without jobs.
func double(t *testing.T) doubled {
	t.Helper()
	b := doubled{bed.Require(t, "sysvinit")}
	for from, to := range map[string]string{
		build(t, "./examples/shipper"):          "/usr/local/bin/shipper",
		build(t, "./examples/wrap"):             "/usr/local/bin/wrap",
		build(t, "./test/behaviour/candidate"):  "/usr/local/lib/candidate",
		build(t, "./test/launchdsim/launchctl"): "/usr/local/bin/launchctl",
	} {
		if err := b.Put(from, to, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// On a Mac nobody has to name the manager. The double boots with the bed, and reads the
	// property lists then.
	const settle = `
mkdir -p /Library/LaunchDaemons
cat >/usr/local/sbin/shipper <<'end'
#!/bin/sh
exec /usr/local/bin/shipper --manager launchd "$@"
end
cat >/usr/local/sbin/wrap <<'end'
#!/bin/sh
verb=$1 name=$2
shift 2
exec /usr/local/bin/wrap "$verb" "$name" --manager launchd "$@"
end
chmod 755 /usr/local/sbin/shipper /usr/local/sbin/wrap
echo 'ld:2345:respawn:/usr/local/bin/launchctl --double /run/launchd-double' >>/etc/inittab
telinit q
until launchctl print system; do sleep 0.05; done`
	b.MustRun(t, "/bin/sh", "-c", settle)
	return b
}

// TestFaultsOnLaunchdDouble plays the catalogue of [TestFaults] there.
func TestFaultsOnLaunchdDouble(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	playCatalogue(t, double(t))
}

// PowerOn waits until the double answers again.
func (d doubled) PowerOn(ctx context.Context) error {
	if err := d.Bed.PowerOn(ctx); err != nil {
		return err
	}
	_, _, _, err := d.Run(ctx, "/bin/sh", "-c", "until launchctl print system; do sleep 0.05; done")
	return err
}

// Reboot waits until the double answers again.
func (d doubled) Reboot(ctx context.Context) error {
	if err := d.Bed.Reboot(ctx); err != nil {
		return err
	}
	_, _, _, err := d.Run(ctx, "/bin/sh", "-c", "until launchctl print system; do sleep 0.05; done")
	return err
}
