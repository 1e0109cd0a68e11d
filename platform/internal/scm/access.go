package scm

import (
	"crypto/sha1" //nolint:gosec // it is how Windows makes these names, not a secret
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// ServiceSID returns the security identifier of "NT SERVICE\name". Every process of that
// service has it if the service was registered with its own SID. It consists of S-1-5-80 and
// the SHA-1 of the name in capitals, in UTF-16 ([MS-DTYP] 2.4.2.4 has the prefix, and `sc
// showsid` shows it). It exists before the service does.
func ServiceSID(name string) string {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	sum := sha1.Sum(raw) //nolint:gosec // see above
	sid := []byte("S-1-5-80")
	for i := 0; i < len(sum); i += 4 {
		sid = fmt.Appendf(sid, "-%d", binary.LittleEndian.Uint32(sum[i:]))
	}
	return string(sid)
}

// Access rights in the security descriptor definition language.
const (
	full   = "FA"
	modify = "0x1301bf" // read, write, execute and delete, but not change the owner or the list
	read   = "0x1200a9" // read and execute
)

// access returns the access list of a directory, which also applies to its contents and
// inherits nothing. SYSTEM and Administrators have full access. The service and the group
// Users have the given rights; users may be empty.
func access(name, service, users string) string {
	entry := func(rights, who string) string { return fmt.Sprintf("(A;OICI;%s;;;%s)", rights, who) }
	sddl := "O:BAD:PAI" + entry(full, "SY") + entry(full, "BA") + entry(service, ServiceSID(name))
	if users != "" {
		sddl += entry(users, "BU")
	}
	return sddl
}
