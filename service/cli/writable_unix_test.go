//go:build unix

package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// If ordinary users could replace a program, or a directory or link that leads to it, it is
// refused with path and mode. The flag that accepts the risk is given once.
func TestIssue11_AProgramThatOthersCouldReplaceIsRefused(t *testing.T) {
	mode := func(name string, mode os.FileMode) func(in func(string) string) error {
		return func(in func(string) string) error { return os.Chmod(in(name), mode) }
	}
	foreign := func(name string) func(in func(string) string) error {
		return func(in func(string) string) error { return os.Lchown(in(name), 12345, 12345) }
	}
	group := func(name string, gid int) func(in func(string) string) error {
		return func(in func(string) string) error {
			return errors.Join(os.Lchown(in(name), os.Getuid(), gid), os.Chmod(in(name), 0o775))
		}
	}
	for name, tt := range map[string]struct {
		so      func(in func(string) string) error
		program string // default: src/feedd
		says    string // what is named; empty: it is installed
		root    bool
	}{
		"nobody":                       {so: mode("src/feedd", 0o755)},
		"not there":                    {so: mode("src", 0o755), program: "src/none"},
		"its directory not there":      {so: mode("src", 0o755), program: "none/none"},
		"everybody":                    {so: mode("src/feedd", 0o757), says: "src/feedd (mode 0757)"},
		"its directory":                {so: mode("src", 0o777), says: "src (mode 0777)"},
		"its directory, for a new one": {so: mode("src", 0o777|os.ModeSticky), program: "src/none", says: "src (mode 0777)"},
		"sticky":                       {so: mode("src", 0o777|os.ModeSticky)},
		"above":                        {so: mode("", 0o777), says: "(mode 0777)"},
		"a group's":                    {so: group("src/feedd", 12345), says: "src/feedd (mode 0775)", root: true},
		"a group's directory":          {so: group("src", 12345), says: "src (mode 0775)", root: true},
		"our own group's":              {so: group("src", os.Getgid()), root: true},
		"somebody's":                   {so: foreign("src/feedd"), says: "src/feedd belongs to another user (12345)", root: true},
		"somebody's directory":         {so: foreign("src"), says: "src belongs to another user (12345)", root: true},
		"somebody's link": {so: func(in func(string) string) error {
			return errors.Join(os.Chmod(in("bin"), 0o777|os.ModeSticky), os.Symlink(in("src/feedd"), in("bin/feedd")), os.Lchown(in("bin/feedd"), 12345, 12345))
		}, program: "bin/feedd", says: "bin (mode 0777)", root: true},
		"what a link leads through": {so: func(in func(string) string) error {
			return errors.Join(os.Symlink(in("src"), in("bin/src")), os.Chmod(in("src"), 0o777))
		}, program: "bin/src/feedd", says: "src (mode 0777)"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			p, image, _ := checkout(t)
			p.m.file = p.dir + "/unit"
			p.m.st.Enabled = true
			top := filepath.Dir(filepath.Dir(image))
			in := func(name string) string { return filepath.Join(top, name) }
			program := in("src/feedd")
			if tt.program != "" {
				program = in(tt.program)
			}
			if err := tt.so(in); err != nil {
				t.Fatal(err)
			}
			err := p.runFrom(image, "install", "--program", program)
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "--allow-writable-program") || p.left() != "" {
				t.Fatalf("%v, left %q", err, p.left())
			}
			if err := p.runFrom(image, "plan", "--program", program); !errors.Is(err, files.ErrUntrusted) {
				t.Errorf("plan: %v", err)
			}
			if err := p.runFrom(image, "install", "--program", program, "--allow-writable-program"); err != nil {
				t.Error(err)
			}
			if err := p.runFrom(image, "install"); err != nil || !strings.Contains(p.errs.String(), "as in an earlier install: --allow-writable-program --program ") || !strings.Contains(p.out.String(), "nothing has changed") {
				t.Errorf("%v\n%s%s", err, &p.errs, &p.out)
			}
			if err := p.runFrom(image, "upgrade", image); !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("upgrade: %v", err)
			}
			if err := p.runFrom(image, "install", "--no-allow-writable-program"); !errors.Is(err, files.ErrUntrusted) {
				t.Errorf("taken back: %v", err)
			}
		})
	}
}
