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
	// locking are the rights that let somebody lock a file, or get to do so.
	locking = windows.FILE_READ_DATA | windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC |
		windows.WRITE_OWNER | windows.GENERIC_READ | windows.GENERIC_WRITE | windows.GENERIC_ALL
	// making are those that let somebody make a file in a directory.
	making = windows.FILE_WRITE_DATA | windows.GENERIC_WRITE | windows.GENERIC_ALL
)

// protect gives the file at path to SYSTEM, Administrators and whoever may make
// files in its directory: one start by an administrator, by hand, must not be the
// last of the service's user. It returns who else could open it before; none of
// what they have opened is closed by that.
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
	// What we made a moment ago lets ourselves in.
	others = slices.DeleteFunc(slices.Clone(now), func(sid string) bool { return sid == me || slices.Contains(keepers, sid) })
	if missing := slices.ContainsFunc(keepers, func(sid string) bool { return !slices.Contains(now, sid) }); !missing &&
		len(now) == len(keepers) {
		return nil, nil
	}
	err = grant(path, keepers)
	if len(others) == 0 && errors.Is(err, fs.ErrPermission) {
		err = nil // it is an administrator's, and lets us in
	}
	return others, err
}

// keepersOf are those to whom a mutex in dir is to be open: SYSTEM, Administrators
// and whoever may make files there; and ourselves, if we are none of these.
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

// allowed are those to whom an access list grants one of the rights, by an entry
// that has none of the flags. Where there is no list, it is Everyone.
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

// makersBy are SYSTEM, Administrators, and whoever may make files in a directory by
// its access list, but for placeholders such as CREATOR OWNER.
func makersBy(sd *windows.SECURITY_DESCRIPTOR) []string {
	all := []string{system, administrators}
	for _, sid := range allowed(sd, making, 0) {
		if !slices.Contains(all, sid) && !strings.HasPrefix(sid, "S-1-3-") {
			all = append(all, sid)
		}
	}
	return all
}

// grant makes the file at path open to these, and to nobody else.
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
		// SetNamedSecurityInfo would add what the directory passes on, on Wine.
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
		return "", fmt.Errorf("our own user: %w", err)
	}
	return user.User.Sid.String(), nil
}

// isOurs reports whether what is granted to sid is granted to us.
func isOurs(sid string) bool {
	s, err := windows.StringToSid(sid)
	if err != nil {
		return false
	}
	in, err := windows.Token(0).IsMember(s)
	return err == nil && in
}
