package scm

import (
	"golang.org/x/sys/windows"
)

// mayShutDown enables the privilege to shut down the machine. Administrators have it, but it
// is disabled by default.
func mayShutDown() error {
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token); err != nil {
		return failed("OpenProcessToken", err)
	}
	defer func() { _ = token.Close() }()
	name, err := windows.UTF16PtrFromString("SeShutdownPrivilege")
	if err != nil {
		return failed("LookupPrivilegeValue", err)
	}
	p := windows.Tokenprivileges{PrivilegeCount: 1}
	p.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	if err := windows.LookupPrivilegeValue(nil, name, &p.Privileges[0].Luid); err != nil {
		return failed("LookupPrivilegeValue", err)
	}
	// It is not an error here if the account lacks the privilege: the SCM will report it.
	return failed("AdjustTokenPrivileges", windows.AdjustTokenPrivileges(token, false, &p, 0, nil, nil))
}
