package systemd

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Message is the datagram for n, for its tests: what it says is a contract.
func Message(n platform.Notice, now func() time.Duration) []byte {
	return message{n, now()}.bytes()
}
