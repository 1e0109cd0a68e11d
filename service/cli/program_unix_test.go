//go:build unix

package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// A unit has the path that the person typed, so that /opt/x/current/x survives the version to
// which it now leads (fault F), unless others could redirect it.
func TestProgramAsItWasCalled(t *testing.T) {
	top := t.TempDir()
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	opt, err := filepath.EvalSymlinks(top)
	if err != nil {
		t.Fatal(err)
	}
	opt += "/opt"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(errors.Join(os.MkdirAll(opt+"/v1", 0o755), os.MkdirAll(opt+"/bin", 0o755), os.Mkdir(opt+"/open", 0o755)))
	image := opt + "/v1/feedd"
	must(os.WriteFile(image, nil, 0o755))
	must(os.WriteFile(opt+"/v1/another", nil, 0o755))
	must(errors.Join(os.Symlink("v1", opt+"/current"), os.Symlink("../current/feedd", opt+"/bin/feedd"), os.Symlink(image, opt+"/open/feedd"), os.Symlink("loop", opt+"/loop")))
	must(os.Chmod(opt+"/open", 0o777)) //nolint:gosec // that is what it is about
	t.Setenv("PATH", opt+"/bin:/usr/bin")
	t.Chdir(opt)
	for name, tt := range map[string]struct{ called, path, note string }{
		"by its image":           {image, image, ""},
		"by a link":              {opt + "/current/feedd", opt + "/current/feedd", "(now " + image + ")"},
		"by a relative path":     {"current/../current/feedd", opt + "/current/feedd", "(now "},
		"by links to links":      {opt + "/bin/feedd", opt + "/bin/feedd", "(now "},
		"by its name":            {"feedd", opt + "/bin/feedd", "(now "},
		"where others can write": {opt + "/open/feedd", image, "not " + opt + "/open/feedd: others can write to " + opt + "/open (mode 0777)"},
		"by the name of another": {opt + "/v1/another", image, ""},
		"by a name that is gone": {opt + "/v0/feedd", image, ""},
		"by a name in no path":   {"nosuchprogram", image, ""},
		"by a circle":            {opt + "/loop", image, ""},
		"by nothing":             {"", image, ""},
		"by a directory":         {opt, image, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := cli.Machine{Program: tt.called, Executable: func() (string, error) { return image, nil }}
			path, note, err := cli.OwnProgram(m)
			if path != tt.path || (tt.note == "") != (note == "") || !strings.Contains(note, tt.note) || err != nil {
				t.Errorf("%q, %q, %v", path, note, err)
			}
		})
	}
	broken := cli.Machine{Executable: func() (string, error) { return "", os.ErrNotExist }}
	if _, _, err := cli.OwnProgram(broken); err == nil || !strings.Contains(err.Error(), "--program") {
		t.Errorf("its image is not known: %v", err)
	}
}
