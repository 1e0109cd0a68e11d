package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// If something is mounted in a directory to purge, the purge is refused before anything has
// changed. An uninstall without purge leaves all data.
func TestIssue11_PurgeDoesNotEmptyWhatIsMounted(t *testing.T) {
	for _, where := range []string{"run", "state", "state/data", "xdg/feedd/log/old"} {
		t.Run(where, func(t *testing.T) {
			p := newPlace(t)
			t.Setenv("XDG_STATE_HOME", filepath.Join(p.dir, "xdg"))
			precious, at := filepath.Join(p.dir, "precious"), filepath.Join(p.dir, where)
			if err := errors.Join(os.MkdirAll(precious, 0o755), os.MkdirAll(at, 0o755)); err != nil {
				t.Fatal(err)
			}
			p.put(precious+"/data", "")
			if err := unix.Mount(precious, at, "", unix.MS_BIND, ""); err != nil {
				t.Skip("nothing can be mounted here: ", err)
			}
			p.wants("uninstall --purge --purge-foreign", platform.ExitBadConfig, "a file system is mounted at "+at)
			p.wants("uninstall", 0, "is uninstalled", "remove")
			_, err := os.Stat(precious + "/data")
			if err := errors.Join(err, unix.Unmount(at, 0)); err != nil {
				t.Fatal(err)
			}
			if code, err := p.run("uninstall", "--purge", "--purge-foreign"); code != 0 {
				t.Error(err)
			}
			if _, err := os.Stat(precious + "/data"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A purge follows no link. It removes a link instead of a directory, or in a directory, and
// its target stays.
func TestIssue11_PurgeFollowsNoLinkOut(t *testing.T) {
	for _, where := range []string{"run", "state", "xdg/feedd/log", "run/in", "state/in/it"} {
		t.Run(where, func(t *testing.T) {
			p := newPlace(t)
			t.Setenv("XDG_STATE_HOME", filepath.Join(p.dir, "xdg"))
			precious, at := filepath.Join(p.dir, "precious"), filepath.Join(p.dir, where)
			if err := errors.Join(os.MkdirAll(precious, 0o755), os.RemoveAll(at), os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(precious, at)); err != nil {
				t.Fatal(err)
			}
			p.put(precious+"/data", "")
			code, err := p.run("uninstall", "--purge", "--purge-foreign")
			if _, e := os.Stat(precious + "/data"); code != 0 || e != nil {
				t.Errorf("%v, %v", err, e)
			}
			if _, err := os.Lstat(at); err == nil || !slices.ContainsFunc(p.did, func(did string) bool { return strings.HasPrefix(did, "remove all of /"+strings.Split(where, "/")[0]) }) {
				t.Errorf("%v, did %q", err, p.did)
			}
		})
	}
}
