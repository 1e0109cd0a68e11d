// Package port finds ports for tests whose server is another process, or begins later.
//
// A port that the system has chosen (":0") and that was closed again is one of those from which
// the system chooses next, for any process of the machine. While many tests run, another one may
// have it before the server begins. The ports of this package are none of these. Where a system
// chooses among all ports, as FreeBSD does, they are no better than others.
package port

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports from first to last are chosen by no system in its usual configuration: Linux begins
// at 32768, Windows and macOS begin at 49152. Few programs listen at them.
const (
	first = 20_000
	last  = 32_767
	tries = 1000
)

// Free returns n different ports of 127.0.0.1 at which nobody listens. Two callers get the same
// port only by chance, so whoever needs many has to ask once.
func Free(n int) ([]int, error) {
	var ports []int
	var open []net.Listener
	defer func() { // all at the end, so that none is given twice
		for _, l := range open {
			_ = l.Close()
		}
	}()
	for range tries {
		if len(ports) == n {
			return ports, nil
		}
		port := first + rand.IntN(last-first+1) //nolint:gosec // any will do
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", Local(port))
		if err != nil {
			continue // somebody listens there
		}
		open, ports = append(open, l), append(ports, port)
	}
	return nil, errors.New("no port is free")
}

// Local returns the address of a port of 127.0.0.1.
func Local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreeAddress returns an address of 127.0.0.1 at which nobody listens.
func FreeAddress() (string, error) {
	ports, err := Free(1)
	if err != nil {
		return "", err
	}
	return Local(ports[0]), nil
}
