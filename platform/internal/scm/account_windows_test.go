package scm_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// A registration with a person's account uses the password in the file. The password appears
// in nothing that is read back, planned or printed.
func TestAccountWithAPassword(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	name := me.Username[strings.LastIndexByte(me.Username, '\\')+1:]
	const secret = "two words & more"
	file := filepath.Join(t.TempDir(), "password")
	u := unit("holdfast-account-test")
	u.User, u.Windows.PasswordFile = name, file
	u.StartType, u.Windows.GiveUp = platform.StartManual, platform.WindowsReboot // needs a privilege
	r, err := scm.Render(u, dirs)
	if err != nil || r.Account != `.\`+name {
		t.Fatalf("%+v, %v", r, err)
	}
	var m scm.Local
	if err := m.Create(r); err == nil || !strings.Contains(err.Error(), file) {
		_ = m.Delete(r.Name)
		t.Fatalf("without a file with a password: %v", err)
	}
	if err := os.WriteFile(file, []byte(secret+"\r\nanother line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Create(r); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Delete(r.Name); err != nil {
			t.Error(err)
		}
	}()
	got, err := m.Config(r.Name)
	if err != nil || got.Account != r.Account || got.Parameters["PasswordFile"] != file {
		t.Errorf("%+v, %v", got, err)
	}
	u.User, u.Windows.PasswordFile = "", "" // change back to an account without a password
	if r, err = scm.Render(u, dirs); err != nil {
		t.Fatal(err)
	}
	if err := m.Change(r); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Config(r.Name); err != nil || got.Account != "LocalSystem" || got.Parameters["PasswordFile"] != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A password in memory works, too, and overrides the file.
func TestAccountWithAPasswordInMemory(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	u := unit("holdfast-memory-test")
	u.User, u.Windows.Password = me.Username[strings.LastIndexByte(me.Username, '\\')+1:], platform.NewSecret("two words & more")
	u.StartType = platform.StartManual
	r, err := scm.Render(u, dirs)
	if err != nil {
		t.Fatal(err)
	}
	var m scm.Local
	if err := m.Create(r); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Config(r.Name); err != nil || got.Account != r.Account || got.Parameters["PasswordFile"] != "" || got.Password.Known() {
		t.Errorf("%+v, %v", got, err)
	}
	if err := m.Delete(r.Name); err != nil {
		t.Error(err)
	}
}
