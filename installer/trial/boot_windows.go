package trial

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// The name of a boot is a number that nobody had before, in a key that the registry
// keeps in memory alone. Only administrators write below HKLM\SOFTWARE.
const (
	bootKey   = `SOFTWARE\holdfast-boot`
	bootValue = "id"
)

// thisBoot is the name of this boot, if somebody has given it one.
func thisBoot() (string, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, bootKey, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil // as every boot before the first trial
	}
	if err != nil {
		return "", fmt.Errorf("name of this boot: %w", err)
	}
	defer k.Close()
	id, _, err := k.GetStringValue(bootValue)
	if err != nil {
		return "", fmt.Errorf("name of this boot: %w", err)
	}
	return id, nil
}

// nameBoot is thisBoot that gives it a name if it has none.
func nameBoot() (string, error) {
	if id, err := thisBoot(); err == nil && id != "" {
		return id, nil
	}
	k, err := volatileKey(bootKey)
	if err != nil {
		return "", fmt.Errorf("name this boot: %w", err)
	}
	defer k.Close()
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	if err := k.SetStringValue(bootValue, hex.EncodeToString(b[:])); err != nil {
		return "", fmt.Errorf("name this boot: %w", err)
	}
	return thisBoot() // of two who name it at once one has the last word
}

// volatileKey makes a key that no reboot survives. Package registry makes lasting ones.
func volatileKey(path string) (registry.Key, error) {
	const volatile = 1 // REG_OPTION_VOLATILE
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var k registry.Key
	code, _, _ := windows.NewLazySystemDLL("advapi32.dll").NewProc("RegCreateKeyExW").Call(uintptr(registry.LOCAL_MACHINE), uintptr(unsafe.Pointer(p)), 0, 0,
		volatile, uintptr(registry.QUERY_VALUE|registry.SET_VALUE|registry.WOW64_64KEY), 0, uintptr(unsafe.Pointer(&k)), 0)
	if code != 0 {
		return 0, windows.Errno(code)
	}
	return k, nil
}
