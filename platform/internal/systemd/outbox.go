package systemd

import (
	"errors"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A message is a notice and its time, by CLOCK_MONOTONIC.
type message struct {
	platform.Notice
	at time.Duration
}

// An outbox has the messages that wait for room in the receiver's queue, in order. It stays
// short, because newer messages replace older ones.
type outbox []message

func (o outbox) add(m message) outbox {
	// A reload makes the previous reload and its end obsolete.
	if m.Phase == platform.PhaseReloading {
		if i := slices.IndexFunc(o, func(m message) bool { return m.Phase == platform.PhaseReloading }); i >= 0 {
			o = o[:i]
		}
	}
	if last := len(o) - 1; last >= 0 && (m.Phase == "" || m.Phase == o[last].Phase) {
		if m.Text != "" {
			o[last].Text = m.Text
		}
		if m.Extend > 0 {
			o[last].Extend = m.Extend
		}
		o[last].Alive = o[last].Alive || m.Alive
		return o
	}
	return append(o, m)
}

// catchUp sends the waiting messages as soon as there is room, until none is left or it has to
// give up.
func (n *Notifier) catchUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.waiting) > 0 {
		msg := n.waiting[0].bytes()
		n.waiting = n.waiting[1:]
		for again := true; again; again = again && !n.givenUp {
			n.mu.Unlock()
			// Any other error means that the receiver is gone.
			again = errors.Is(n.socket.wait(n.address, msg), platform.ErrTimeout)
			n.mu.Lock()
		}
		if n.givenUp {
			break
		}
	}
	if n.closed {
		_ = n.socket.close()
	}
	close(n.caughtUp)
	n.caughtUp = nil
}
