//go:build windows

package windows_test

import (
	"encoding/json"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// unprivileged returns this process's own user without "Run as administrator".
func unprivileged(t *testing.T) syscall.Token {
	t.Helper()
	const luaToken = 0x4 // LUA_TOKEN: the administrators' group for denying only, and no privileges
	var own windows.Token
	must(t, windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ALL_ACCESS, &own))
	defer own.Close()
	var token syscall.Token
	create := windows.NewLazySystemDLL("advapi32.dll").NewProc("CreateRestrictedToken")
	if ok, _, err := create.Call(uintptr(own), luaToken, 0, 0, 0, 0, 0, 0, uintptr(unsafe.Pointer(&token))); ok == 0 {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = token.Close() })
	return token
}

// administrator reports whether this process has an Administrator's rights, and not only could
// get them.
func administrator(t *testing.T) bool {
	t.Helper()
	group, err := windows.CreateWellKnownSid(windows.WinBuiltinAdministratorsSid)
	must(t, err)
	in, err := windows.Token(0).IsMember(group)
	must(t, err)
	return in
}

// Everybody may query a service, and only an administrator may act on it.
func TestUnprivilegedCaller(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	pid := s.running(t).PID
	attr := &syscall.SysProcAttr{Token: unprivileged(t)}
	t.Run("status", func(t *testing.T) {
		r := s.doAs(t, attr, "status", "--json")
		r.want(t, 0)
		var st status
		if err := json.Unmarshal([]byte(r.out), &st); err != nil || !st.Ready || st.PID != pid || !st.Installed {
			t.Errorf("%v, %+v", err, st)
		}
	})
	for _, command := range []string{"stop", "restart", "uninstall", "install"} {
		t.Run(command, func(t *testing.T) {
			if onWine() {
				t.Skip("Wine's service manager lets everybody do everything")
			}
			s.doAs(t, attr, command).want(t, 77)
			if st := s.running(t); st.PID != pid {
				t.Errorf("%+v", st)
			}
		})
	}
}
