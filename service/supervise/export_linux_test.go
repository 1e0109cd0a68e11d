package supervise

import (
	"net"
	"os/exec"
)

// A ChildlessStore is the store of a process that has no child: it keeps for another one.
type ChildlessStore struct{ s *store }

// NewChildlessStore returns a store that listens.
func NewChildlessStore() (ChildlessStore, error) {
	conn, err := datagrams("", "")
	if err != nil {
		return ChildlessStore{}, err
	}
	return ChildlessStore{serveStore(conn, nil)}, nil
}

// Addr returns where it listens.
func (c ChildlessStore) Addr() net.Addr { return c.s.conn.LocalAddr() }

// Kept returns the names of everything that is kept after all earlier messages.
func (c ChildlessStore) Kept() string {
	c.s.settle()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.names()
}

// Start starts a child.
func (c ChildlessStore) Start(child *exec.Cmd) error { return c.s.start(child) }

// Wait waits for the end of the child.
func (c ChildlessStore) Wait(child *exec.Cmd) error { return c.s.wait(child) }

// Said handles a message of the process pid.
func (c ChildlessStore) Said(pid int, text string, files ...int) { c.s.take(pid, text, files) }

// Close closes everything that is kept.
func (c ChildlessStore) Close() { c.s.close() }

// StoreAddress is where the store of a supervisor is.
var StoreAddress = storeAddress
