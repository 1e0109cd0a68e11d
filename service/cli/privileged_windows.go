package cli

import "golang.org/x/sys/windows"

// privileged says how to act with all rights.
const privileged = "as administrator (from an elevated prompt)"

// isPrivileged reports whether this process has the rights of an administrator now. A user who
// could only obtain them does not count.
func isPrivileged() bool {
	sid, err := windows.CreateWellKnownSid(windows.WinBuiltinAdministratorsSid)
	if err != nil {
		return false
	}
	in, err := windows.Token(0).IsMember(sid)
	return err == nil && in
}
