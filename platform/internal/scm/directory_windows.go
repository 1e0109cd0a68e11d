package scm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform"
)

// MakeDirectory makes a directory and its parents with the given access list. It changes the
// list of an existing directory. The contents inherit the list.
func (Local) MakeDirectory(path, sddl string) error {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return failed("ConvertStringSecurityDescriptorToSecurityDescriptor "+sddl, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { // it inherits the list of its parent: the mode has no meaning here
		return err
	}
	name, err := windows.UTF16PtrFromString(long(path))
	if err != nil {
		return failed("CreateDirectory", err)
	}
	// The directory has its list from the beginning, so nobody can add a file before.
	attributes := windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	err = windows.CreateDirectory(name, &attributes)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return failed("CreateDirectory "+path, err)
	}
	return changeList(name, path, sd)
}

// ownerAndList is the part of a directory's security that we write and read.
const ownerAndList = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION

// Directory returns owner and access list of a directory. It does not follow a link.
func (Local) Directory(path string) (sddl string, there bool, err error) {
	name, err := windows.UTF16PtrFromString(long(path))
	if err != nil {
		return "", false, failed("CreateFile", err)
	}
	h, err := openDirectory(name, windows.READ_CONTROL)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failed("CreateFile "+path, err)
	}
	defer windows.CloseHandle(h) //nolint:errcheck // a handle
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, ownerAndList)
	if err != nil {
		return "", false, failed("GetSecurityInfo "+path, err)
	}
	return sd.String(), true, nil
}

func openDirectory(name *uint16, access uint32) (windows.Handle, error) {
	return windows.CreateFile(name, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
}

// changeList changes owner and access list of an existing directory to those of sd. It does
// not follow a link. It refuses a directory that anybody but an administrator could have made.
func changeList(name *uint16, path string, sd *windows.SECURITY_DESCRIPTOR) error {
	h, err := openDirectory(name, windows.READ_CONTROL|windows.WRITE_DAC|windows.WRITE_OWNER)
	if err != nil {
		return failed("CreateFile "+path, err)
	}
	defer windows.CloseHandle(h) //nolint:errcheck // a handle
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return failed("GetFileInformationByHandle "+path, err)
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 || info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY == 0 {
		return fmt.Errorf("%s is not a directory of its own (a file, a link or a mount point): remove it: %w", path, platform.ErrPermission)
	}
	old, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, ownerAndList)
	if err != nil {
		return failed("GetSecurityInfo "+path, err)
	}
	if owner, _, err := old.Owner(); err != nil || !trusted(owner) {
		return fmt.Errorf("%s belongs to %v, who is not an administrator and may have prepared it: remove it: %w", path, owner, platform.ErrPermission)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return failed("GetSecurityDescriptorOwner", err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		return failed("GetSecurityDescriptorDacl", err)
	}
	protection := windows.SECURITY_INFORMATION(windows.UNPROTECTED_DACL_SECURITY_INFORMATION)
	if control, _, err := sd.Control(); err == nil && control&windows.SE_DACL_PROTECTED != 0 {
		protection = windows.PROTECTED_DACL_SECURITY_INFORMATION
	}
	err = windows.SetSecurityInfo(h, windows.SE_FILE_OBJECT, ownerAndList|protection, owner, nil, list, nil)
	return failed("SetSecurityInfo "+path, err)
}

// trusted reports whether sid belongs to an account that may do everything anyway: SYSTEM,
// Administrators, Windows itself, or this process's user.
func trusted(sid *windows.SID) bool {
	if sid == nil {
		return false
	}
	if slices.ContainsFunc([]windows.WELL_KNOWN_SID_TYPE{windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid}, sid.IsWellKnown) {
		return true
	}
	const installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464" // NT SERVICE\TrustedInstaller
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	return sid.String() == installer || err == nil && sid.Equals(user.User.Sid)
}

// long returns a path without the limit of 260 characters. Package os lifts that limit itself,
// but system calls do not.
func long(path string) string {
	const limit = 248 // that of CreateDirectory, which reserves room for a short file name
	if len(path) < limit || !filepath.IsAbs(path) {
		return path
	}
	path = filepath.Clean(path)
	if path[:2] == `\\` {
		return `\\?\UNC\` + path[2:]
	}
	return `\\?\` + path
}
