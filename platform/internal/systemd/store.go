package systemd

import (
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
)

// preserve is the first systemd that can keep descriptors of a service that is stopped.
// An older one drops the line with a warning.
const preserve = 254

// storeLeast is the room for descriptors: enough for one more socket not to need another
// install.
const storeLeast = 64

// store has systemd keep the sockets that the service gives it (Notifier.Keep) until it
// is stopped, and longer where that is asked for.
func store(f *unitFile, u platform.Unit, version int) {
	if len(u.Sockets) > 0 {
		f.set("FileDescriptorStoreMax", strconv.Itoa(max(storeLeast, 2*len(u.Sockets))))
	}
	if !u.Systemd.PreserveSockets {
		return
	}
	const field = "systemd.preserve_sockets"
	f.RefuseIf(version > 0 && version < preserve, field, "true: systemd %d cannot, %d and later can", version, preserve)
	f.set("FileDescriptorStorePreserve", "yes")
}
