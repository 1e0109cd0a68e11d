package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
)

const ann = "S-1-5-21-1-2-3-1001"

func TestDescriptor(t *testing.T) {
	const ours = "FA;;;SY)(A;;FA;;;BA)(A;;FA;;;" + ann + ")"
	inherited := strings.ReplaceAll(ours, "A;;FA", "A;OICI;FA")
	cases := map[string]struct {
		mode    fs.FileMode
		inherit string
		want    string
	}{
		"file for all":         {0o644, "", "D:(A;;" + ours + "(A;;FRFX;;;BU)"},
		"file for us":          {0o600, "", "D:P(A;;" + ours},
		"file for a group":     {0o640, "", "D:P(A;;" + ours}, // Windows has no such group
		"directory for all":    {0o755, "OICI", "D:P(A;OICI;" + inherited + "(A;OICI;FRFX;;;BU)"},
		"directory for us":     {0o700, "OICI", "D:P(A;OICI;" + inherited},
		"directory to plunder": {0o777, "OICI", "D:P(A;OICI;" + inherited + "(A;OICI;FRFX;;;BU)"}, // nobody requests this
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := files.Descriptor(c.mode, c.inherit, ann)
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if err := files.TrustDescriptor("O:"+ann+got, ann); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTrustDescriptor(t *testing.T) {
	cases := map[string]struct{ sddl, says string }{
		"ours":                          {"O:" + ann + "D:P(A;OICI;FA;;;" + ann + ")", ""},
		"a service's":                   {"O:S-1-5-80-1-2-3-4-5D:P(A;OICI;FA;;;S-1-5-80-1-2-3-4-5)(A;OICI;FA;;;BA)", ""},
		"SYSTEM's, Users read":          {"O:SYD:P(A;OICI;FA;;;SY)(A;OICI;FRFX;;;BU)", ""},
		"one further user may write":    {"O:BAD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-5-21-1-2-3-1002)", ""}, // an administrator has decided so
		"as in ProgramData":             {"O:BAD:(A;OICI;FA;;;BA)(A;CI;0x100116;;;BU)(A;OICI;FRFX;;;BU)", "is writable by"},
		"only for what is made in it":   {"O:BAD:P(A;OICI;FA;;;BA)(A;OICIIO;GA;;;AU)", "is writable by"},
		"Everyone":                      {"O:BAD:P(A;;FA;;;WD)", "is writable by"},
		"interactive users may delete":  {"O:BAD:P(A;;0x40;;;IU)", "is writable by"},
		"domain users":                  {"O:BAD:P(A;;GW;;;S-1-5-21-1-2-3-513)", "is writable by"},
		"guests may take it":            {"O:BAD:P(A;;WO;;;BG)", "is writable by"},
		"denied before it is allowed":   {"O:BAD:P(D;;FA;;;WD)(A;;FA;;;BA)", ""},
		"another user's":                {"O:S-1-5-21-1-2-3-1002D:P(A;;FA;;;" + ann + ")", "belongs to"},
		"no list":                       {"O:BA", "no access list"},
		"nobody at all, but for owners": {"O:BAD:P", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := files.TrustDescriptor(c.sddl, ann)
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (!errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), c.says)):
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// Writers finds who could change a program, or replace it.
func TestIssue11_Writers(t *testing.T) {
	for name, c := range map[string]struct{ sddl, file, leads string }{
		"Program Files": {"O:S-1-5-80-1-2-3-4-5D:P(A;;FA;;;SY)(A;OICIIO;GA;;;BA)(A;;FRFX;;;BU)", "", ""},
		"the drive":     {"O:S-1-5-80-1-2-3-4-5D:P(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)", "can be changed by", ""},
		"ProgramData":   {"O:BAD:(A;OICI;FA;;;BA)(A;CI;0x100116;;;BU)", "can be changed by", ""},
		"Users modify":  {"O:BAD:P(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;BU)", "can be changed by", "can be changed by"},
		"may delete":    {"O:BAD:P(A;;0x40;;;IU)", "can be changed by", "can be changed by"},
		"may take it":   {"O:BAD:P(A;;WO;;;WD)", "can be changed by", "can be changed by"},
		"another's":     {"O:S-1-5-21-1-2-3-1002D:P(A;;FA;;;BA)", "belongs to", "belongs to"},
		"no list":       {"O:BA", "no access list", "no access list"},
	} {
		for leads, want := range map[bool]string{false: c.file, true: c.leads} {
			if got := files.WritersOf(c.sddl, ann, leads); (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s, which leads on: %v: got %q, want %q", name, leads, got, want)
			}
		}
	}
	program := filepath.Join(t.TempDir(), "feedd.exe")
	if err := files.Replace(program, nil, 0o755, false); err != nil {
		t.Fatal(err)
	}
	if got := files.Writers(program, false); got != "" {
		t.Error(got)
	}
	protect(t, program, "D:P(A;;FA;;;WD)")
	if got := files.Writers(program, false); !strings.Contains(got, "can be changed by") {
		t.Error(got)
	}
	if got := files.Writers(program+"x", false); got != "" {
		t.Error("of what is not there: " + got)
	}
}

// protect gives path the access list of sddl.
func protect(t *testing.T, path, sddl string) {
	t.Helper()
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	dacl, _, err := sd.DACL()
	if err == nil {
		err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMakeDirOnARealDisk(t *testing.T) {
	// Use Everyone, the only group that Wine stores, since it keeps Unix modes.
	open := filepath.Join(t.TempDir(), "open to all")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	protect(t, open, "D:P(A;OICI;FA;;;WD)")
	if err := files.MakeDir(open, 0o755); !errors.Is(err, files.ErrUntrusted) {
		t.Errorf("a directory that Everyone can write to: %v", err)
	}
	// Directories that are made below it are safe.
	below := filepath.Join(open, "a", "b")
	if err := files.MakeDir(below, 0o755); err != nil {
		t.Error(err)
	}
	for _, p := range []string{below, filepath.Dir(below)} {
		if err := files.CheckDir(p); err != nil {
			t.Error(err)
		}
	}
}

func TestLongPathsAndOddNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mit Leerzeichen, Ünïcødé & 100 %")
	for len(dir) < 300 {
		dir = filepath.Join(dir, strings.Repeat("long", 20))
	}
	if err := files.MakeDir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.state.json")
	for range 2 {
		if err := files.Replace(path, []byte("x"), 0o644, true); err != nil {
			t.Fatal(err)
		}
	}
	f, err := files.Open(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if got, err := files.ReadFile(path); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if err := files.Remove(path); err != nil {
		t.Error(err)
	}
}

// Another program has the file open for a moment, and does not share it for deletion; os.Open
// does not either.
func TestReplaceOutlastsAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := files.Replace(path, []byte("one"), 0o644, false); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"replace": func() error { return files.Replace(path, []byte("two"), 0o644, false) },
		"remove":  func() error { return files.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := os.Rename(path, path+".moved"); err == nil {
				t.Skip("nobody is in the way here: a file that is open can be renamed")
			}
			time.AfterFunc(100*time.Millisecond, func() { _ = f.Close() })
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Another process is about to remove the directory, which it has found empty.
func TestReplaceOutlastsARemoverOfTheDirectory(t *testing.T) {
	dir := t.TempDir()
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		t.Fatal(err)
	}
	const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.DELETE, all, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = windows.CloseHandle(h) })
	if err := files.Replace(filepath.Join(dir, "x"), []byte("one"), 0o644, false); err != nil {
		t.Error(err)
	}
}

func TestOurOwnLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "real")
	if err := files.MakeDir(target, 0o755); err != nil {
		t.Fatal(err)
	}
	symlink(t, target, filepath.Join(dir, "link"))
	// Our own link is followed: an administrator may move the files elsewhere.
	if err := files.CheckDir(filepath.Join(dir, "link")); err != nil {
		t.Error(err)
	}
}
