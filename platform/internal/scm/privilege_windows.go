package scm

import (
	"golang.org/x/sys/windows"
)

// mayShutDown turns on the privilege to shut the machine down, which administrators
// have, and which is off until somebody needs it.
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
	// One that the account does not have is no error here: the SCM says so.
	return failed("AdjustTokenPrivileges", windows.AdjustTokenPrivileges(token, false, &p, 0, nil, nil))
}
