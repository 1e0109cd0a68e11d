package bed

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// RequireEnv names the environment variable that decides what happens if a bed is not
// available. With the value "require", tests fail instead of being skipped; with names of
// kinds ("systemd257,systemd252"), this applies to those. Runs that have to prove something on
// real managers set it.
const RequireEnv = "HOLDFAST_BEDS"

// Require boots a bed of the named kind for one test, and closes it at the end of the test. If
// the bed is not available on this machine (another OS, not root, root not built), the test is
// skipped with the reason and the remedy, or fails if [RequireEnv] says so. An available bed
// that does not boot is always a failure. If the test fails, the last lines of the bed's
// console are logged.
func Require(t testing.TB, name string) *Bed {
	t.Helper()
	kind, err := Find(name)
	if err != nil && !errors.Is(err, ErrNotBuilt) {
		t.Fatal(err)
	}
	// Without root privileges, a built root is not even visible, so report that first.
	if reason := usable(); reason != nil {
		err = reason
	}
	if err != nil {
		refuse(t, name, err)
	}
	b, err := Boot(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console of %s (%s):\n%s", b.Name(), kind.Name, lastLines(b.Console(), 40))
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Each runs fn as a subtest on a bed of every known kind with that manager ("systemd", "sysv",
// "openrc"; empty: all). The beds run in parallel, so Each returns before fn does. Kinds that
// are not available are skipped, or fail, as with [Require]. [HalfEnv] halves the tests of a
// manager that has several kinds; those of all kinds halve their parts with [Halve].
func Each(t *testing.T, manager string, fn func(t *testing.T, b *Bed)) {
	t.Helper()
	name := t.Name()
	kinds := slices.DeleteFunc(Known(), func(k Kind) bool { return manager != "" && k.Manager != manager })
	for i, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			if manager != "" && len(kinds) > 1 {
				Halve(t, name, i)
			}
			fn(t, Require(t, kind.Name))
		})
	}
}

// MustRun runs argv in the bed and returns its standard output. Any exit code but 0 fails the
// test, and the failure shows the command's output.
func (b *Bed) MustRun(t testing.TB, argv ...string) string {
	t.Helper()
	return b.must(t, "", argv)
}

// MustRunAs is [Bed.MustRun] as a user: see [Bed.CommandAs].
func (b *Bed) MustRunAs(t testing.TB, user string, argv ...string) string {
	t.Helper()
	return b.must(t, user, argv)
}

func (b *Bed) must(t testing.TB, user string, argv []string) string {
	t.Helper()
	ctx, done := wait.Context(t, t.Context(), fmt.Sprintf("%q", argv))
	defer done()
	stdout, stderr, code, err := b.RunAs(ctx, user, argv...)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Fatalf("bed %s: %q: exit code %d\nstdout: %s\nstderr: %s", b.Name(), argv, code, stdout, stderr)
	}
	return stdout
}

func refuse(t testing.TB, name string, err error) {
	t.Helper()
	value := os.Getenv(RequireEnv)
	if value == "require" || slices.Contains(strings.Split(value, ","), name) {
		t.Fatalf("%v (%s=%s makes this a failure)", err, RequireEnv, value)
	}
	t.Skip(err)
}
