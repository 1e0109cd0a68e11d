package singleton

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	// locking are the rights with which a user can lock a file, or grant himself such a right.
	locking = windows.FILE_READ_DATA | windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC |
		windows.WRITE_OWNER | windows.GENERIC_READ | windows.GENERIC_WRITE | windows.GENERIC_ALL
	// making are the rights with which a user can create a file in a directory.
	making = windows.FILE_WRITE_DATA | windows.GENERIC_WRITE | windows.GENERIC_ALL
)

// protect restricts the file at path to SYSTEM, Administrators and the users who can create
// files in its directory, so that one start by hand as an administrator does not lock out the
// service's user. It returns the others who could open the file before. Handles that they have
// opened stay open.
func protect(path string) (others []string, err error) {
	keepers, err := keepersOf(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	sd, err := accessList(path)
	if err != nil {
		return nil, err
	}
	now := allowed(sd, locking, windows.INHERIT_ONLY_ACE)
	me, err := ourselves()
	if err != nil {
		return nil, err
	}
	// A file that we have just created is open to ourselves.
	others = slices.DeleteFunc(slices.Clone(now), func(sid string) bool { return sid == me || slices.Contains(keepers, sid) })
	if missing := slices.ContainsFunc(keepers, func(sid string) bool { return !slices.Contains(now, sid) }); !missing &&
		len(now) == len(keepers) {
		return nil, nil
	}
	err = grant(path, keepers)
	if len(others) == 0 && errors.Is(err, fs.ErrPermission) {
		err = nil // it belongs to an administrator, and is open to us
	}
	return others, err
}

// keepersOf returns the users to whom a mutex in dir must be open: SYSTEM, Administrators, the
// users who can create files there, and ourselves if we are none of these.
func keepersOf(dir string) ([]string, error) {
	sd, err := accessList(dir)
	if err != nil {
		return nil, err
	}
	keepers := makersBy(sd)
	if !slices.ContainsFunc(keepers, isOurs) {
		me, err := ourselves()
		if err != nil {
			return nil, err
		}
		keepers = append(keepers, me)
	}
	return keepers, nil
}

func accessList(path string) (*windows.SECURITY_DESCRIPTOR, error) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, &fs.PathError{Op: "read the access list of", Path: path, Err: err}
	}
	return sd, nil
}

// allowed returns the users to whom an access list grants one of the rights, in an entry with
// none of the given flags. Without a list that is Everyone.
func allowed(sd *windows.SECURITY_DESCRIPTOR, rights windows.ACCESS_MASK, without uint8) (all []string) {
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return []string{everyone}
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if windows.GetAce(dacl, i, &ace) != nil || ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE ||
			ace.Mask&rights == 0 || ace.Header.AceFlags&without != 0 {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)).String(); !slices.Contains(all, sid) {
			all = append(all, sid)
		}
	}
	return all
}

// makersBy returns SYSTEM, Administrators, and the users who can create files in a directory
// according to its access list. It leaves out placeholders such as CREATOR OWNER.
func makersBy(sd *windows.SECURITY_DESCRIPTOR) []string {
	all := []string{system, administrators}
	for _, sid := range allowed(sd, making, 0) {
		if !slices.Contains(all, sid) && !strings.HasPrefix(sid, "S-1-3-") {
			all = append(all, sid)
		}
	}
	return all
}

// grant opens the file at path to the given users, and to nobody else.
func grant(path string, sids []string) error {
	var list strings.Builder
	list.WriteString("D:P")
	for _, sid := range sids {
		fmt.Fprintf(&list, "(A;;FA;;;%s)", sid)
	}
	sd, err := windows.SecurityDescriptorFromString(list.String())
	if err != nil {
		return fmt.Errorf("security descriptor: %w", err)
	}
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(p, windows.WRITE_DAC, shared, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err == nil {
		// On Wine, SetNamedSecurityInfo would add the entries inherited from the directory.
		err = windows.SetKernelObjectSecurity(h, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, sd)
		_ = windows.CloseHandle(h)
	}
	if err != nil {
		return &fs.PathError{Op: "set the access list of", Path: path, Err: err}
	}
	return nil
}

func ourselves() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("user of this process: %w", err)
	}
	return user.User.Sid.String(), nil
}

// isOurs reports whether this process has the rights that are granted to sid.
func isOurs(sid string) bool {
	s, err := windows.StringToSid(sid)
	if err != nil {
		return false
	}
	in, err := windows.Token(0).IsMember(s)
	return err == nil && in
}
