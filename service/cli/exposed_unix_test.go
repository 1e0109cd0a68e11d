//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// A program that somebody else could have put there is refused, unless its digest is given.
// Files of the person who became root by sudo count as the caller's.
func TestIssue11_AFileThatOthersCouldHaveChangedIsRefused(t *testing.T) {
	const stranger = 4242
	for name, tt := range map[string]struct {
		spoil func(dir, file string) error
		sudo  string
		root  bool // only root can have it so
		says  string
	}{
		"ours":                    {func(string, string) error { return nil }, "", false, ""},
		"our group's":             {func(_, file string) error { return os.Chmod(file, 0o775) }, "", false, ""},
		"everybody's":             {func(_, file string) error { return os.Chmod(file, 0o777) }, "", false, "others can write to"},
		"another group's":         {func(_, file string) error { return chownAnd(file, 0, stranger, 0o775) }, "", true, "others can write to"},
		"in everybody's place":    {func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "", false, "others can write to"},
		"ours in a sticky place":  {func(dir, _ string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, "", false, ""},
		"another user's":          {func(_, file string) error { return chownAnd(file, stranger, 0, 0o755) }, "", true, "belongs to another user (4242)"},
		"in another user's place": {func(dir, _ string) error { return chownAnd(dir, stranger, 0, 0o755) }, "", true, "belongs to another user (4242)"},
		"theirs, sticky": {func(dir, file string) error {
			if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
				return err
			}
			return chownAnd(file, stranger, 0, 0o755)
		}, "", true, "belongs to another user (4242)"},
		"the sudoer's":        {func(_, file string) error { return chownAnd(file, stranger, stranger, 0o775) }, "4242", true, ""},
		"in the sudoer's own": {func(dir, _ string) error { return chownAnd(dir, stranger, stranger, 0o775) }, "4242", true, ""},
		"another sudoer's":    {func(_, file string) error { return chownAnd(file, stranger, 0, 0o755) }, "4243", true, "belongs to another user (4242)"},
		"the sudoer's, open":  {func(_, file string) error { return chownAnd(file, stranger, 0, 0o757) }, "4242", true, "others can write to"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			t.Setenv("PKEXEC_UID", "")
			t.Setenv("SUDO_UID", tt.sudo)
			h := newHangar(t)
			dir := filepath.Join(h.dir, "downloads")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			file := h.program("downloads/new", "2 good")
			if err := tt.spoil(dir, file); err != nil {
				t.Fatal(err)
			}
			code, says := h.call("upgrade", file, "--settle", "0s")
			if (code == 78) != (tt.says != "") || code != 0 && code != 78 || !strings.Contains(says, tt.says) {
				t.Errorf("%d: %s", code, says)
			}
			if tt.says == "" {
				return
			}
			if h.installed() != "1 good" {
				t.Errorf("installed is %q", h.installed())
			}
			digest, err := upgrade.Digest(file)
			if err != nil {
				t.Fatal(err)
			}
			if code, says := h.call("upgrade", file, "--settle", "0s", "--sha256", digest); code != 0 {
				t.Errorf("%d: %s", code, says)
			}
		})
	}
}

func chownAnd(path string, uid, gid int, mode os.FileMode) error {
	if err := os.Chown(path, uid, gid); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
