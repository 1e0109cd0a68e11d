package test_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager is the end of NOTIFY_SOCKET where systemd would listen.
type manager struct {
	path     string
	socket   *net.UnixConn
	messages chan string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "nfy") //nolint:usetesting // a socket's path has room for 107 bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &manager{path: filepath.Join(dir, "s"), messages: make(chan string, 10_000)}
	m.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = m.socket.Close() })
	return m
}

// managed makes the services of p report to m.
func (m *manager) managed(p *place) *place {
	other := *p
	other.env = append([]string{"NOTIFY_SOCKET=" + m.path}, p.env...)
	return &other
}

// listen starts to receive the messages.
func (m *manager) listen() *manager {
	go func() {
		for buf := make([]byte, 8192); ; {
			n, err := m.socket.Read(buf)
			if err != nil {
				close(m.messages)
				return
			}
			m.messages <- string(buf[:n])
		}
	}()
	return m
}

// await returns the next message that contains text. The messages before it are lost.
func (m *manager) await(t *testing.T, text string) string {
	t.Helper()
	timeout := time.After(soon)
	for {
		select {
		case msg, ok := <-m.messages:
			if strings.Contains(msg, text) {
				return msg
			}
			if !ok {
				t.Fatalf("the manager was not told %q", text)
			}
		case <-timeout:
			t.Fatalf("the manager was never told %q", text)
		}
	}
}

// rest returns all messages that have arrived and were not awaited.
func (m *manager) rest() (all []string) {
	for {
		select {
		case msg, ok := <-m.messages:
			if !ok {
				return all
			}
			all = append(all, msg)
		default:
			return all
		}
	}
}
