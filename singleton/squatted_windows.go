package singleton

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// examine examines a taken mutex for which no holder is verified. It reports held if it may
// belong to an instance whose record is lost. Otherwise squatted says why it cannot, unless
// the mutex is gone meanwhile. The mutex of an instance belongs to its user, and is open to
// SYSTEM and Administrators.
func examine(name string, unknown error) (held bool, squatted error) {
	why := ""
	switch mutex, err := openMutex(name); {
	case mutex == 0 && err == nil:
		return false, nil
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		why = "it is not a mutex"
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		if administrator() || errors.Is(unknown, errNoHolder) {
			why = "it denies access, and no instance of this service is recorded as its holder"
		}
	case err != nil:
		why = err.Error()
	default:
		if me, err := ourselves(); err == nil {
			why = stranger(mutex, me)
		}
		_ = windows.CloseHandle(mutex)
	}
	if why == "" {
		return true, nil
	}
	return false, fmt.Errorf("mutex %s: %w, to keep this service from starting: %s: the service started anyway; "+
		"end the process that has the mutex open (Sysinternals' handle.exe -a names it)", name, proc.ErrSquatted, why)
}

// stranger returns why no instance of ours can have created the mutex, or "" if one can.
func stranger(mutex windows.Handle, me string) string {
	sd, err := windows.GetSecurityInfo(mutex, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return ""
	}
	owner := ownerOf(sd)
	if owner != me && !isSystem(owner) && !isService(owner) {
		return "it belongs to " + cmp.Or(userName(owner), "nobody") + ", and no instance of this service is recorded as its holder"
	}
	if !private(sd, owner) {
		return "its access list differs from the one that an instance sets"
	}
	return ""
}

// private reports whether sd is as proc.Private makes it for that owner.
func private(sd *windows.SECURITY_DESCRIPTOR, owner string) bool {
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil || dacl.AceCount != 3 {
		return false
	}
	for i, want := range []string{system, administrators, owner} {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, uint32(i), &ace); err != nil || ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE {
			return false
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)); sid.String() != want {
			return false
		}
	}
	return true
}

// ownerOf returns the SID of the owner, or "" if there is none.
func ownerOf(sd *windows.SECURITY_DESCRIPTOR) string {
	owner, _, err := sd.Owner()
	if err != nil || owner == nil {
		return ""
	}
	return owner.String()
}

const system, administrators, everyone = "S-1-5-18", "S-1-5-32-544", "S-1-1-0"

func isSystem(sid string) bool { return sid == system || sid == administrators }

// isService reports whether sid is NT SERVICE\..., or the local or network service. An
// administrator has installed whatever runs as one of these.
func isService(sid string) bool {
	return strings.HasPrefix(sid, "S-1-5-80-") || sid == "S-1-5-19" || sid == "S-1-5-20"
}

// administrator reports whether this process has the rights of Administrators or SYSTEM.
func administrator() bool {
	for _, kind := range []windows.WELL_KNOWN_SID_TYPE{windows.WinBuiltinAdministratorsSid, windows.WinLocalSystemSid} {
		if sid, err := windows.CreateWellKnownSid(kind); err == nil {
			if in, err := windows.Token(0).IsMember(sid); err == nil && in {
				return true
			}
		}
	}
	return false
}
