package systemd

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Newest is the latest systemd that matters to Render.
const Newest = newest

// Message returns the datagram for n. Its content is a contract.
func Message(n platform.Notice, now func() time.Duration) []byte {
	return message{n, now()}.bytes()
}
