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

// attributes are those of a new file or directory, by the rules of the package
// comment; inherit are the ACE flags of a directory.
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

// descriptor is the DACL in the words of Microsoft's "Security Descriptor String
// Format". A file that others may read takes from its directory what that grants
// to the service's own account; one that they may not read takes nothing.
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
		return "", fmt.Errorf("our own user: %w", err)
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

// trustLink refuses a link, of whatever kind, that an ordinary user has made.
func trustLink(path, me string) error {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	attributes, err := windows.GetFileAttributes(p)
	if err != nil || attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT == 0 {
		return nil //nolint:nilerr // where we may not look, we shall see what is behind it
	}
	sd, err := describe(path, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return err
	}
	if owner, ok := trustedOwner(sd, me); !ok {
		return fmt.Errorf("%s is a link that belongs to %s: %w: remove it, or choose another", path, owner, ErrUntrusted)
	}
	return nil
}

// describe gives the security descriptor of a file or directory.
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
		return "", nil //nolint:nilerr // nobody's
	}
	return sid.String(), nil
}

// trustOwner: a reparse point was refused before. Of links that are second names
// NTFS lets nobody make one to a file that he may not write (CreateHardLink).
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

// oursAlone reports whether a directory belongs to one of those whom we trust.
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

// trustedOwner reports whether what is found at path belongs to SYSTEM,
// Administrators, a service's account or ourselves, and to whom it belongs.
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

// trustedSID: SYSTEM, the local and the network service, Administrators, ourselves,
// and NT SERVICE\..., TrustedInstaller among them: Administrators install services.
func trustedSID(sid, me string) bool {
	return slices.Contains([]string{"S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-32-544", me}, sid) || strings.HasPrefix(sid, "S-1-5-80-")
}

func accountName(sid *windows.SID) string {
	if account, domain, _, err := sid.LookupAccount(""); err == nil {
		return domain + `\` + account
	}
	return sid.String()
}

// everybody are the groups that are, or could be, full of strangers.
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

// writers reads the list's entries for groups that are full of strangers. What they are
// denied is not counted in their favour.
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
	if leads { // who may make files beside what is in it changes nothing of that
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

// changing are the rights by which a file could be put into a directory, or its
// protection be lifted.
const changing = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | fileDeleteChild | windows.DELETE |
	windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL

const fileDeleteChild = 0x40 // FILE_DELETE_CHILD in winnt.h

// trustDescriptor judges a directory by its descriptor.
func trustDescriptor(path string, sd *windows.SECURITY_DESCRIPTOR, me string) error {
	if owner, ok := trustedOwner(sd, me); !ok {
		return fmt.Errorf("directory %s belongs to %s: %w: remove it, or choose another", path, owner, ErrUntrusted)
	}
	dacl, _, err := sd.DACL()
	if err != nil || dacl == nil {
		return fmt.Errorf("directory %s has no access list, so everybody may write to it: %w: give it one, or choose another", path, ErrUntrusted)
	}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return &fs.PathError{Op: "read the ACL of", Path: path, Err: err}
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Mask&changing == 0 {
			continue
		}
		// Also one that only what is made in the directory will have.
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if isEverybody(sid.String()) {
			return fmt.Errorf("directory %s can be written by %s: %w: take that right away, or choose another", path, accountName(sid), ErrUntrusted)
		}
	}
	return nil
}
