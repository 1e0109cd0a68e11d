//go:build unix

package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// filer is a manager that keeps the log in a file.
type filer struct {
	*manager
	file string
}

func (f filer) LogFile(platform.ID) string { return f.file }
func (f filer) Logs(_ platform.ID, _ int, _ bool) []string {
	return []string{"cat", f.file} // whatever it is
}

// The log is in a directory of the service's user, who replaces it by a link to a file that
// only root may read, or gives such a file a second name there. No command shows or packs that
// file.
func TestALinkInPlaceOfTheLog(t *testing.T) {
	for name, plant := range map[string]func(secret, file string) error{
		"a log": nil, "a link": os.Symlink, "a second name": os.Link,
	} {
		planted := plant != nil
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.m.st.Phase = platform.PhaseFailed
			dir := filepath.Join(p.dir, "others")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o775)); err != nil { //nolint:gosec // others may have put things there
				t.Fatal(err)
			}
			file, secret := filepath.Join(dir, "output.log"), filepath.Join(p.dir, "shadow")
			for _, path := range []string{file, secret} {
				if err := os.WriteFile(path, []byte("it ended by itself\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if planted {
				if err := errors.Join(os.Remove(file), plant(secret, file)); err != nil {
					t.Fatal(err)
				}
			}
			m := p.machine()
			m.Manager = func(string) (platform.Manager, error) { return filer{p.m, file}, nil }
			archive := filepath.Join(p.dir, "out.tar.gz")
			for _, args := range []string{"logs", "status", "doctor", "doctor --json", "bugreport -o " + archive} {
				p.out.Reset()
				err := p.runOn(t.Context(), m, strings.Fields(args)...)
				said := p.out.String()
				if strings.HasPrefix(args, "bugreport") {
					if err != nil {
						t.Fatal(err)
					}
					said = unpacked(t, archive)["log.txt"]
				}
				if shown := strings.Contains(said, "ended by itself"); shown && planted {
					t.Errorf("%s shows what the link leads to:\n%s", args, said)
				} else if !shown && !planted && !strings.HasPrefix(args, "doctor") {
					t.Errorf("%s does not show the log: %v\n%s", args, err, said)
				}
			}
		})
	}
}
