package etcd

import (
	"bytes"
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
)

var _ singleton.Poster = (*Elector)(nil)

// showEvery is the shortest time between two changes of what a machine shows.
const showEvery = 500 * time.Millisecond

// Post replaces what the other machines see of this one: see [singleton.Poster]. It has no
// effect without [Options].Machine.
func (e *Elector) Post(entry []byte) {
	e.showing.Lock()
	defer e.showing.Unlock()
	if bytes.Equal(e.entry, entry) {
		return
	}
	e.entry = entry
	close(e.posted)
	e.posted = make(chan struct{})
}

// entryNow returns what was posted, and a channel that is closed by the next Post.
func (e *Elector) entryNow() ([]byte, <-chan struct{}) {
	e.showing.Lock()
	defer e.showing.Unlock()
	return e.entry, e.posted
}

// show shows what is posted, under the lease of the candidate, until hide or until the key of
// the candidate is gone.
func (c *candidate) show() {
	if c.e.o.Machine == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.hide = func() { cancel(); <-done }
	go func() {
		defer close(done)
		var shown []byte
		for {
			entry, next := c.e.entryNow()
			pause := showEvery
			if entry != nil && !bytes.Equal(entry, shown) {
				gone, err := c.put(ctx, entry)
				switch {
				case gone:
					return
				case err != nil:
					pause = max(pause, c.e.o.TTL/6)
				default:
					shown = entry
				}
			}
			if !sleep(ctx, pause) {
				return
			}
			if bytes.Equal(entry, shown) {
				select {
				case <-next:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
}

// put writes the entry of the machine, and reports whether the candidate's key is gone. A
// process that was paused does not overwrite what its successor shows.
func (c *candidate) put(ctx context.Context, entry []byte) (gone bool, err error) {
	within, cancel := context.WithTimeout(ctx, c.e.patience())
	defer cancel()
	keys := c.e.o.Prefix + "roster/"
	resp, err := c.client.Txn(within).If(c.guard()).Then(
		clientv3.OpPut(keys+seenKey+c.e.o.Machine, string(entry)),
		clientv3.OpPut(keys+liveKey+c.e.o.Machine, fmt.Sprintf("%016x", c.lease), clientv3.WithLease(c.lease)),
	).Commit()
	return err == nil && !resp.Succeeded, err
}
