package scm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// maxPassword is far above the limit of Windows.
const maxPassword = 4 << 10

// password returns the password of a registration's account: its own, or the first line of its
// file.
func password(r Registration) (*uint16, error) {
	if r.Password.Known() {
		secret, err := windows.UTF16PtrFromString(r.Password.Reveal())
		if err != nil {
			return nil, fmt.Errorf("the password of %q has a NUL", r.Account)
		}
		return secret, nil
	}
	file := r.Parameters[paramSecret]
	if file == "" { // others registered it, so we do not know the password
		return nil, fmt.Errorf("account %q: its password is unknown: name a file that holds it in windows.password_file", r.Account)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the password of %q: %w", r.Account, err)
	}
	defer f.Close() //nolint:errcheck // was read only
	content, err := io.ReadAll(io.LimitReader(f, maxPassword))
	if err != nil {
		return nil, fmt.Errorf("the password of %q: %w", r.Account, err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	secret, err := windows.UTF16PtrFromString(strings.TrimSuffix(line, "\r"))
	if err != nil {
		return nil, fmt.Errorf("the password of %q in %s has a NUL", r.Account, file)
	}
	return secret, nil
}

// lsaObjectAttributes is LSA_OBJECT_ATTRIBUTES. Only its length is used.
type lsaObjectAttributes struct {
	Length                   uint32
	RootDirectory            windows.Handle
	ObjectName               *windows.NTUnicodeString
	Attributes               uint32
	SecurityDescriptor       uintptr
	SecurityQualityOfService uintptr
}

// Rights of LsaOpenPolicy: see "Policy Object Access Rights".
const policyCreateAccount, policyLookupNames = 0x10, 0x800

// mayLogOn gives an account the right to log on as a service (LsaAddAccountRights). Without
// that the SCM would not start the service. The right stays after an uninstall, because other
// services may use the account.
func mayLogOn(account string) error {
	fail := func(err error) error { return fmt.Errorf("account %q: may not log on as a service: %w", account, err) }
	sid, _, _, err := windows.LookupSID("", strings.TrimPrefix(account, `.\`))
	if err != nil {
		return fail(err)
	}
	dll := windows.NewLazySystemDLL("advapi32.dll")
	call := func(name string, args ...uintptr) error {
		proc := dll.NewProc(name)
		if err := proc.Find(); err != nil {
			return err
		}
		if status, _, _ := proc.Call(args...); status != 0 {
			return fmt.Errorf("%s: %w", name, windows.NTStatus(status))
		}
		return nil
	}
	attributes := lsaObjectAttributes{}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var policy windows.Handle
	if err := call("LsaOpenPolicy", 0, uintptr(unsafe.Pointer(&attributes)), policyCreateAccount|policyLookupNames, uintptr(unsafe.Pointer(&policy))); err != nil {
		return fail(err)
	}
	defer func() { _ = call("LsaClose", uintptr(policy)) }()
	right, err := windows.NewNTUnicodeString("SeServiceLogonRight")
	if err != nil {
		return fail(err)
	}
	err = call("LsaAddAccountRights", uintptr(policy), uintptr(unsafe.Pointer(sid)), uintptr(unsafe.Pointer(right)), 1)
	if errors.Is(err, windows.STATUS_NOT_IMPLEMENTED) {
		return nil // Wine does not have that right, and does not need it
	}
	if err != nil {
		return fail(err)
	}
	return nil
}
