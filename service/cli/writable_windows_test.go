package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// On Windows, access lists decide this.
func TestIssue11_AProgramThatOthersCouldReplaceIsRefused(t *testing.T) {
	p := newPlace(t)
	dir := filepath.Join(p.dir, "bin")
	if err := files.MakeDir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "feedd.exe")
	if err := files.Replace(program, nil, 0o755, false); err != nil {
		t.Fatal(err)
	}
	open := func(path string) {
		sd, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;WD)")
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
	if code, err := p.run("install", "--program", program); code != 0 {
		t.Fatal(err)
	}
	for _, path := range []string{program, dir} {
		open(path)
		_, err := p.run("install", "--program", program, "--no-allow-writable-program")
		if !errors.Is(err, files.ErrUntrusted) || !strings.Contains(err.Error(), path+" can be changed by ") {
			t.Errorf("%s: %v", path, err)
		}
		if code, err := p.run("install", "--program", program, "--allow-writable-program"); code != 0 {
			t.Error(err)
		}
		if err := os.Remove(program); err != nil {
			t.Fatal(err)
		}
		if err := files.Replace(program, nil, 0o755, false); err != nil {
			t.Fatal(err)
		}
	}
}
