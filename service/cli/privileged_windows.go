package cli

import "golang.org/x/sys/windows"

// privileged is how somebody acts who may do anything.
const privileged = "as administrator (from an elevated prompt)"

// isPrivileged reports whether this process has an administrator's rights, and not only
// a user who could have them.
func isPrivileged() bool {
	sid, err := windows.CreateWellKnownSid(windows.WinBuiltinAdministratorsSid)
	if err != nil {
		return false
	}
	in, err := windows.Token(0).IsMember(sid)
	return err == nil && in
}
