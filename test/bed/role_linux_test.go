package bed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// roleEnv makes a copy of the test binary play a part instead of running tests.
const roleEnv = "HOLDFAST_BED_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "owner":
		os.Exit(ownerRole())
	case "copy":
		os.Exit(copyRole())
	}
	_ = os.Setenv("LEAK", "leaks") // for runs
	os.Exit(m.Run())
}

// copyRole boots a bed from a cache on an overlay, where no further overlay can keep its upper layer. It has a mount namespace of
// its own, so nothing has to be unmounted.
func copyRole() int {
	dir := os.Getenv("BED_TMP")
	kind, err := bed.Find(os.Getenv("BED_KIND"))
	if err != nil {
		return fail(err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fail(err)
	}
	for _, name := range []string{"lower", "upper", "work", "beds"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return fail(err)
		}
	}
	// With the whole cache below it, this process sees the beds of others, but not their locks.
	lower := os.Getenv("BED_LOWER")
	if lower == "" {
		lower = filepath.Join(dir, "lower")
	}
	options := fmt.Sprintf("lowerdir=%[1]s,upperdir=%[2]s/upper,workdir=%[2]s/work", lower, dir)
	beds := filepath.Join(dir, "beds")
	if err := syscall.Mount("overlay", beds, "overlay", 0, options); err != nil {
		return fail(err)
	}
	root := filepath.Join(beds, kind.Name, "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fail(err)
	}
	if err := syscall.Mount(kind.Root, root, "", syscall.MS_BIND, ""); err != nil {
		return fail(err)
	}
	if err := os.WriteFile(filepath.Join(beds, kind.Name, "recipe"), nil, 0o644); err != nil {
		return fail(err)
	}
	if err := os.Setenv("BEDS_DIR", beds); err != nil {
		return fail(err)
	}
	ctx := context.Background()
	kind, err = bed.Find(kind.Name)
	if err != nil {
		return fail(err)
	}
	b, err := bed.Boot(ctx, kind)
	if err != nil {
		return fail(err)
	}
	defer b.Close()
	if !strings.Contains(b.Console(), "no overlay") {
		return fail(errors.New("booted from an overlay all the same"))
	}
	if err := b.Write("/etc/kept", []byte("kept"), 0o644); err != nil {
		return fail(err)
	}
	if err := b.Reboot(ctx); err != nil {
		return fail(err)
	}
	if data, err := b.Read("/etc/kept"); string(data) != "kept" {
		return fail(fmt.Errorf("file on disk after a reboot: %q, %w", data, err))
	}
	if host, err := b.Read("/etc/hostname"); strings.TrimSpace(string(host)) != b.Name() {
		return fail(fmt.Errorf("host name %q, %w", host, err))
	}
	return 0
}

func TestCopyWhereNoOverlay(t *testing.T) {
	t.Parallel()
	b := bed.Require(t, "systemd257")
	// A cache with our bed in it, and none that boots just now, far from its lock.
	others := t.TempDir()
	if err := os.MkdirAll(filepath.Join(others, "run", b.Name()), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, lower string }{
		{name: "a cache of its own"},
		// A lock on an overlay is none on what lies below: this process took the beds of others for abandoned ones, and killed them.
		{name: "a cache with the beds of others in it", lower: others},
	} {
		t.Run(tc.name, func(t *testing.T) {
			copier := role(t, "copy", "BED_KIND="+b.Kind().Name, "BED_TMP="+t.TempDir(), "BED_LOWER="+tc.lower)
			copier.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if out, err := copier.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			b.MustRun(t, "true")
			if _, err := b.Read("/etc/os-release"); err != nil {
				t.Errorf("the bed next door: %v", err)
			}
		})
	}
}

// TestRequireRole is what TestRequire runs in a process of its own.
func TestRequireRole(t *testing.T) {
	if os.Getenv("BED_REQUIRE") == "" {
		t.Skip("a part of TestRequire")
	}
	bed.Require(t, "systemd257")
}

func TestRequire(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("without root, root is what is missing first")
	}
	for _, tc := range []struct {
		name, env string
		fails     bool
		says      string
	}{
		{name: "skips", env: "", says: "--- SKIP"},
		{name: "fails when told so", env: "require", fails: true, says: "--- FAIL"},
		{name: "fails when it is named", env: "systemd252,systemd257", fails: true, says: "--- FAIL"},
		{name: "skips when others are named", env: "systemd252,openrc", says: "--- SKIP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := role(t, "", "BED_REQUIRE=1", "BEDS_DIR="+t.TempDir(), bed.RequireEnv+"="+tc.env)
			cmd.Args = append(cmd.Args, "-test.run=^TestRequireRole$", "-test.v")
			out, err := cmd.CombinedOutput()
			if (err != nil) != tc.fails {
				t.Errorf("ended with %v", err)
			}
			for _, want := range []string{tc.says, "systemd257", "sudo make beds"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

// The script that builds the roots and this package must agree on names and places.
func TestScriptKnowsTheKinds(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "../../scripts/beds.sh", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 4 {
			got = append(got, f[0]+" "+f[3])
		}
	}
	for _, kind := range bed.Known() {
		want = append(want, kind.Name+" "+kind.Root)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("script:\n%s\npackage:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// role prepares a copy of this test binary to play a part.
func role(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(os.Environ(), roleEnv+"="+name), env...)
	return cmd
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
