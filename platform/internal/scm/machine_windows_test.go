package scm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

func TestDirectories(t *testing.T) {
	deep := strings.Repeat(`a long name with spaces\`, 15) // more than 260 characters
	for name, path := range map[string]string{"plain": "plain", "spaces": `a b\ü c`, "long": deep + "end"} {
		t.Run(name, func(t *testing.T) {
			path = filepath.Join(t.TempDir(), path)
			var m scm.Local
			for round := range 2 {
				before, there, err := m.Directory(path)
				if err != nil || there != (round == 1) || there != (before != "") {
					t.Fatalf("there %v, %q, %v", there, before, err)
				}
				if err := m.MakeDirectory(path, scm.AccessList("feedd", "0x1301bf", "0x1200a9")); err != nil {
					t.Fatal(err)
				}
			}
			// Ours, and nothing that was inherited.
			sd, err := windows.GetNamedSecurityInfo(`\\?\`+path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
			if err != nil {
				t.Fatal(err)
			}
			list := sd.String() // Wine reduces it to Unix modes
			for entry := range strings.SplitSeq(list, "(") {
				users := strings.HasSuffix(entry, ";WD)") || strings.HasSuffix(entry, ";BU)") || strings.HasSuffix(entry, ";AU)")
				if users && !strings.Contains(entry, ";0x1200a9;") {
					t.Errorf("others may write: %s", list)
				}
			}
			if err := os.WriteFile(filepath.Join(path, "file"), nil, 0o600); err != nil {
				t.Errorf("an administrator may not write: %v", err)
			}
			_ = os.Remove(filepath.Join(path, "file"))
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		})
	}
}

// MakeDirectory refuses anything but a directory of its own.
func TestDirectoriesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	err := os.Symlink(t.TempDir(), link)
	if info, e := os.Lstat(link); err != nil || e != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Logf("no links here that can be told from directories: %v, %v", err, e) // Wine, or not permitted
		link = file
	}
	for _, path := range []string{file, link} {
		if err := (scm.Local{}).MakeDirectory(path, scm.AccessList("feedd", "FA", "")); err == nil {
			t.Errorf("%s was taken for a directory", path)
		}
	}
}

func TestSource(t *testing.T) {
	const name = "holdfast-test-source"
	var m scm.Local
	t.Cleanup(func() { _ = m.PutSource(name, scm.Source{}) })
	for _, want := range []scm.Source{{}, scm.OurSource(), {}, {}} {
		if err := m.PutSource(name, want); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Source(name); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
}

func inJSON(t *testing.T, r scm.Registration) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A registration can be read back and restored, as far as this Windows returns it.
func TestConfig(t *testing.T) {
	u := everything()
	u.ID = platform.ID{Name: "holdfast-test-config", Scope: platform.ScopeSystem}
	u.User, u.Requires = "LocalService", nil
	want, err := scm.Render(u, dirs)
	if err != nil {
		t.Fatal(err)
	}
	var m scm.Local
	t.Cleanup(func() { _ = m.Delete(want.Name) })
	if err := m.Create(want); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		got, err := m.Config(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Recovery == nil { // Wine does not return these
			got.Recovery, got.OwnSID = want.Recovery, want.OwnSID
			got.Dependencies = want.Dependencies
		}
		if a, b := inJSON(t, got), inJSON(t, want); a != b {
			t.Errorf("read back\n%s, want\n%s", a, b)
		}
	}
	check()
	// Less of everything: nothing of the old one stays.
	v := unit(u.Name)
	if want, err = scm.Render(v, dirs); err != nil {
		t.Fatal(err)
	}
	if err := m.Change(want); err != nil {
		t.Fatal(err)
	}
	check()
}
