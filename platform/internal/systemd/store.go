package systemd

import (
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
)

// preserve is the first systemd that can keep descriptors of a service that is stopped.
// An older one drops the line with a warning.
const preserve = 254

// storeFiles is the room for files of Runtime.Keep, which no configuration names. Each socket
// needs two places while it is replaced.
const storeFiles = 64

// store has systemd keep what the service gives it (Notifier.Keep) until it is stopped, and
// longer where that is asked for.
func store(f *unitFile, u platform.Unit, version int) {
	f.set("FileDescriptorStoreMax", strconv.Itoa(storeFiles+2*len(u.Sockets)))
	if !u.Systemd.PreserveSockets {
		return
	}
	const field = "systemd.preserve_sockets"
	f.RefuseIf(version > 0 && version < preserve, field, "true: systemd %d cannot, %d and later can", version, preserve)
	f.set("FileDescriptorStorePreserve", "yes")
}
