package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// attributes returns the security attributes of a new file or directory, by the rules in the
// package comment. inherit has the ACE flags of a directory.
func attributes(mode fs.FileMode, inherit string) (*windows.SecurityAttributes, error) {
	me, err := ourSID()
	if err != nil {
		return nil, err
	}
	sd, err := windows.SecurityDescriptorFromString(descriptor(mode, inherit, me))
	if err != nil {
		return nil, fmt.Errorf("security descriptor: %w", err)
	}
	sa := &windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return sa, nil
}

// descriptor returns the DACL in Microsoft's "Security Descriptor String Format". If others
// may read the file, it also inherits from its directory what that grants to the service's own
// account. Otherwise it inherits nothing.
func descriptor(mode fs.FileMode, inherit, me string) string {
	var d strings.Builder
	d.WriteString("D:")
	if inherit != "" || mode&0o004 == 0 {
		d.WriteString("P")
	}
	for _, who := range []string{"SY", "BA", me} {
		fmt.Fprintf(&d, "(A;%s;FA;;;%s)", inherit, who)
	}
	if mode&0o004 != 0 {
		fmt.Fprintf(&d, "(A;%s;FRFX;;;BU)", inherit)
	}
	return d.String()
}

func ourSID() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("user of this process: %w", err)
	}
	return user.User.Sid.String(), nil
}

func trust(path string, _ fs.FileInfo) error {
	me, err := ourSID()
	if err != nil {
		return err
	}
	for p := path; ; p = filepath.Dir(p) {
		if err := trustLink(p, me); err != nil {
			return err
		}
		if p == filepath.Dir(p) {
			break
		}
	}
	sd, err := describe(path, 0)
	if err != nil {
		return err
	}
	return trustDescriptor(path, sd, me)
}

// trustLink refuses a link of any kind that an ordinary user has made.
func trustLink(path, me string) error {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	attributes, err := windows.GetFileAttributes(p)
	if err != nil || attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT == 0 {
		return nil //nolint:nilerr // we may not examine it; the checks of its target follow
	}
	sd, err := describe(path, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return err
	}
	if owner, ok := trustedOwner(sd, me); !ok {
		return fmt.Errorf("%s is a link that belongs to %s: %w: remove it, or choose another path", path, owner, ErrUntrusted)
	}
	return nil
}

// describe returns the security descriptor of a file or directory.
func describe(path string, flags uint32) (*windows.SECURITY_DESCRIPTOR, error) {
	h, err := openHandle(path, windows.READ_CONTROL, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|flags)
	if err != nil {
		return nil, &fs.PathError{Op: "examine", Path: path, Err: err}
	}
	defer func() { _ = windows.CloseHandle(h) }()
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, &fs.PathError{Op: "read the ACL of", Path: path, Err: err}
	}
	return sd, nil
}

func ownerOf(f *os.File, _ fs.FileInfo) (string, error) {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return "", &fs.PathError{Op: "read the owner of", Path: f.Name(), Err: err}
	}
	sid, _, err := sd.Owner()
	if err != nil || sid == nil {
		return "", nil //nolint:nilerr // it has no owner
	}
	return sid.String(), nil
}

// trustOwner checks the owner only, because a reparse point was refused before, and NTFS does
// not let anybody make a hard link to a file that he may not write (CreateHardLink).
func trustOwner(owner string, _ fs.FileInfo, path string) error {
	me, err := ourSID()
	if err != nil || trustedSID(owner, me) {
		return err
	}
	sd, err := describe(filepath.Dir(path), 0)
	if err != nil {
		return err
	}
	if place, _, err := sd.Owner(); err == nil && place != nil && place.String() == owner {
		return nil
	}
	return fmt.Errorf("%s belongs to %s, who does not own its directory: %w: remove it", path, owner, ErrUntrusted)
}

// oursAlone reports whether a directory belongs to a trusted account.
func oursAlone(dir string) bool {
	me, err := ourSID()
	if err != nil {
		return false
	}
	sd, err := describe(dir, 0)
	if err != nil {
		return false
	}
	_, ok := trustedOwner(sd, me)
	return ok
}

// trustedOwner returns the owner in sd, and reports whether it is trusted: SYSTEM,
// Administrators, the account of a service, or this process's user.
func trustedOwner(sd *windows.SECURITY_DESCRIPTOR, me string) (who string, ok bool) {
	sid, _, err := sd.Owner()
	if err != nil || sid == nil {
		return "nobody", false
	}
	if owner := sid.String(); trustedSID(owner, me) {
		return owner, true
	}
	return accountName(sid), false
}

// trustedSID reports whether sid is SYSTEM, the local or the network service, Administrators,
// this process's user or an account of NT SERVICE. Service accounts are trusted, because only
// administrators install services. TrustedInstaller is one of them.
func trustedSID(sid, me string) bool {
	return slices.Contains([]string{"S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-32-544", me}, sid) || strings.HasPrefix(sid, "S-1-5-80-")
}

func accountName(sid *windows.SID) string {
	if account, domain, _, err := sid.LookupAccount(""); err == nil {
		return domain + `\` + account
	}
	return sid.String()
}

// everybody lists the groups that include, or could include, arbitrary users.
var everybody = []string{
	"S-1-1-0",      // Everyone
	"S-1-2-0",      // LOCAL
	"S-1-2-1",      // CONSOLE LOGON
	"S-1-5-2",      // NETWORK
	"S-1-5-4",      // INTERACTIVE
	"S-1-5-7",      // ANONYMOUS LOGON
	"S-1-5-11",     // Authenticated Users
	"S-1-5-32-545", // Users
	"S-1-5-32-546", // Guests
	"S-1-15-2-1",   // ALL APPLICATION PACKAGES
}

func isEverybody(sid string) bool {
	domain := strings.HasPrefix(sid, "S-1-5-21-") && (strings.HasSuffix(sid, "-513") || strings.HasSuffix(sid, "-514")) // Domain Users, Domain Guests
	return domain || slices.Contains(everybody, sid)
}

// writers reads the allow entries for such groups in the access list. It ignores deny entries.
func writers(path string, leads bool) string {
	me, err := ourSID()
	if err != nil {
		return err.Error()
	}
	sd, err := describe(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	return writersOf(path, sd, me, leads)
}

func writersOf(path string, sd *windows.SECURITY_DESCRIPTOR, me string, leads bool) string {
	if owner, ok := trustedOwner(sd, me); !ok {
		return fmt.Sprintf("%s belongs to %s", path, owner)
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return path + " has no access list, so everybody may write to it"
	}
	rights := windows.ACCESS_MASK(changing)
	if leads { // new files do not change what is in the directory
		rights &^= windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return err.Error()
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Mask&rights == 0 || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if isEverybody(sid.String()) {
			return fmt.Sprintf("%s can be changed by %s", path, accountName(sid))
		}
	}
	return ""
}

// changing has the rights that allow somebody to add a file to a directory or to change its
// protection.
const changing = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | fileDeleteChild | windows.DELETE |
	windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL

const fileDeleteChild = 0x40 // FILE_DELETE_CHILD in winnt.h

// trustDescriptor checks the security descriptor of a directory.
func trustDescriptor(path string, sd *windows.SECURITY_DESCRIPTOR, me string) error {
	if owner, ok := trustedOwner(sd, me); !ok {
		return fmt.Errorf("directory %s belongs to %s: %w: remove it, or choose another directory", path, owner, ErrUntrusted)
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return fmt.Errorf("directory %s has no access list, so everybody may write to it: %w: give it one, or choose another directory", path, ErrUntrusted)
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return &fs.PathError{Op: "read the ACL of", Path: path, Err: err}
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Mask&changing == 0 {
			continue
		}
		// This includes entries that apply only to new files in the directory.
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if isEverybody(sid.String()) {
			return fmt.Errorf("directory %s is writable by %s: %w: remove that right, or choose another directory", path, accountName(sid), ErrUntrusted)
		}
	}
	return nil
}
