package upgrade_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

const roleVariable = "HOLDFAST_UPGRADE_TEST_ROLE"

// The test binary is also the program that runs during the replacement.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		fmt.Println("runs")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// running runs a program at path.
func running(t *testing.T, path string) {
	t.Helper()
	exe, err := os.Executable()
	if err == nil {
		var content []byte
		if content, err = os.ReadFile(exe); err == nil {
			err = os.WriteFile(path, content, 0o755) //nolint:gosec // a program
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Env = append(cmd.Environ(), roleVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	if _, err := io.ReadFull(stdout, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
}

// pending returns the renames that the machine will do at boot.
func pending(t *testing.T) string {
	t.Helper()
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\Session Manager`, registry.QUERY_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	pairs, _, err := k.GetStringsValue("PendingFileRenameOperations")
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(pairs, "|")
}

// A running program is renamed aside, and the new one gets its path. If the conductor is
// killed at any step, a program is at the stable path, or the machine will put one there at
// boot; and the next call repairs it.
func TestReplaceWhatRuns(t *testing.T) {
	steps := []string{"", "finish it at the next boot", "rename the program aside", "rename the version to its path"}
	for _, fault := range []error{upgrade.ErrCut, errors.New("the disk is full")} {
		for _, at := range steps {
			t.Run(fmt.Sprint(fault, " at ", at), func(t *testing.T) {
				dir := t.TempDir()
				stable := filepath.Join(dir, "feedd.exe")
				running(t, stable)
				if err := os.Mkdir(upgrade.VersionsDir(stable), 0o755); err != nil { //nolint:gosec // as it is
					t.Fatal(err)
				}
				beside := filepath.Join(dir, ".feedd.exe.new")
				if err := os.WriteFile(beside, []byte("new"), 0o755); err != nil { //nolint:gosec // a program
					t.Fatal(err)
				}
				var seen []string
				e := upgrade.NewEngine(stable, "u1", func(step string) error {
					seen = append(seen, step)
					if step == at {
						return fault
					}
					return nil
				})
				err := upgrade.Replace(e, beside)
				if (err != nil) != (at != "") || at != "" && !errors.Is(err, fault) {
					t.Fatalf("%v, after %q", err, seen)
				}
				if len(seen) == 0 {
					t.Skip("this system replaces programs that run")
				}
				content := func() string {
					c, err := os.ReadFile(stable)
					switch {
					case err != nil:
						return "nothing"
					case string(c) == "new":
						return "new"
					}
					return "old"
				}
				want := "old"
				switch {
				case at == "":
					want = "new"
				case errors.Is(fault, upgrade.ErrCut) && at == steps[3]:
					want = "nothing"
					if p := pending(t); !strings.Contains(p, beside) || !strings.HasSuffix(p, stable) {
						t.Errorf("pending is %q", p)
					}
				}
				if got := content(); got != want {
					t.Errorf("there is %s, want %s", got, want)
				}
				if err := upgrade.Mend(e); err != nil {
					t.Fatal(err)
				}
				if want == "nothing" {
					want = "old"
				}
				if got := content(); got != want {
					t.Errorf("then there is %s, want %s", got, want)
				}
				if p := pending(t); strings.Contains(p, beside) {
					t.Errorf("pending is still %q", p)
				}
			})
		}
	}
}

// Renames at boot that others have requested stay.
func TestPendingRenamesOfOthersStay(t *testing.T) {
	for _, tt := range []struct{ pairs, left string }{
		{`\??\C:\a||\??\C:\x|\??\C:\y`, `\??\C:\a|`},
		{`\??\c:\X|\??\C:\y|\??\C:\b|!\??\C:\c`, `\??\C:\b|!\??\C:\c`},
		{`\??\C:\a|`, `\??\C:\a|`},
		{`\??\C:\x|\??\C:\y`, ``},
	} {
		left, _ := upgrade.Without(strings.Split(tt.pairs, "|"), `\??\C:\x`)
		if got := strings.Join(left, "|"); got != tt.left {
			t.Errorf("%q leaves %q, want %q", tt.pairs, got, tt.left)
		}
	}
}
