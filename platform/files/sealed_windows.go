package files

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// administrators lists the trusted owners of an administrator's files: SYSTEM, Administrators,
// and TrustedInstaller, which installs Windows itself.
var administrators = []string{"S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"}

// seal gives path to Administrators, with an access list that inherits nothing from the
// directory.
func seal(path string) error {
	inherit := ""
	if info, err := os.Lstat(path); err != nil {
		return err
	} else if info.IsDir() {
		inherit = "OICI"
	}
	sd, err := windows.SecurityDescriptorFromString(fmt.Sprintf("O:BAD:P(A;%[1]s;FA;;;SY)(A;%[1]s;FA;;;BA)(A;%[1]s;FRFX;;;BU)", inherit))
	if err != nil {
		return fmt.Errorf("security descriptor: %w", err)
	}
	h, err := openHandle(path, windows.READ_CONTROL|windows.WRITE_DAC|windows.WRITE_OWNER, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err == nil {
		// On Wine, SetNamedSecurityInfo would add the inherited entries.
		err = windows.SetKernelObjectSecurity(h, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, sd)
		_ = windows.CloseHandle(h)
	}
	if err != nil {
		return &fs.PathError{Op: "give the file to the administrators", Path: path, Err: err}
	}
	return nil
}

func owned(path string, _ fs.FileInfo, own bool) error {
	sd, err := describe(path, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return err
	}
	believed := slices.Clone(administrators)
	if own || administrator() { // this user could replace the program itself
		me, err := ourSID()
		if err != nil {
			return err
		}
		believed = append(believed, me)
	}
	return ownedDescriptor(path, sd, believed)
}

// administrator reports whether this process has an administrator's rights.
func administrator() bool {
	sid, err := windows.CreateWellKnownSid(windows.WinBuiltinAdministratorsSid)
	if err != nil {
		return false
	}
	in, err := windows.Token(0).IsMember(sid)
	return err == nil && in
}

// ownedDescriptor refuses a file with an owner who is not in believed, and one that others
// than those can change.
func ownedDescriptor(path string, sd *windows.SECURITY_DESCRIPTOR, believed []string) error {
	owner, _, err := sd.Owner()
	switch {
	case err != nil || owner == nil:
		return fmt.Errorf("%s has no owner: %w: remove it", path, ErrUntrusted)
	case !slices.Contains(believed, owner.String()):
		return fmt.Errorf("%s belongs to %s: %w: remove it", path, accountName(owner), ErrUntrusted)
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return fmt.Errorf("%s has no access list, so everybody may write to it: %w: remove it", path, ErrUntrusted)
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return &fs.PathError{Op: "read the ACL of", Path: path, Err: err}
		}
		switch {
		case ace.Header.AceType == windows.ACCESS_DENIED_ACE_TYPE:
			continue
		case ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE: // for example an entry with a condition
			return fmt.Errorf("%s has an unknown entry in its access list: %w: remove it", path, ErrUntrusted)
		}
		const creator, ownerRights = "S-1-3-0", "S-1-3-4" // placeholders
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if who := sid.String(); ace.Mask&changing != 0 && who != creator && who != ownerRights && !slices.Contains(believed, who) {
			return fmt.Errorf("%s is writable by %s: %w: remove it", path, accountName(sid), ErrUntrusted)
		}
	}
	return nil
}
