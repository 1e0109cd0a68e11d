package bed

import (
	"crypto/rand"
	"fmt"
	"net"
	"strings"
)

// listenReady returns an address for NOTIFY_SOCKET, and a channel that is closed when READY=1
// arrives there. The address is abstract, because a path may be too long for a socket.
func listenReady() (address string, ready <-chan struct{}, release func() error, err error) {
	address = "@holdfast-bed-" + rand.Text()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return "", nil, nil, fmt.Errorf("listen for readiness: %w", err)
	}
	up := make(chan struct{})
	go func() {
		buf := make([]byte, 4096)
		told := false
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return // closed by release
			}
			for line := range strings.Lines(string(buf[:n])) {
				if strings.TrimSpace(line) == "READY=1" && !told {
					told = true
					close(up)
				}
			}
		}
	}()
	return address, up, conn.Close, nil
}
