//go:build linux || darwin

package test_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// leases is a cluster for tests: its engine is a file that all instances lock and read. It
// keeps no promise beyond one machine.
type leases struct{ dir string }

func (leases) Defaults() any { return &leasesSettings{} }

type leasesSettings struct{ service.ClusterSettings }

func (l leases) Elect(_ context.Context, c service.Candidate, settings any) (singleton.Elector, error) {
	return &leaseElector{dir: l.dir, c: c, ttl: settings.(*leasesSettings).TTL}, nil
}

// cluster returns the cluster of a plan.
func (p plan) cluster() service.Cluster {
	if p.Cluster == "" {
		return nil
	}
	return leases{p.Cluster}
}

// A lease is the content of the file.
type lease struct {
	Holder string        `json:"holder"` // empty: resigned
	Token  uint64        `json:"token"`
	Until  time.Duration `json:"until"` // of proc.Boottime
}

type leaseElector struct {
	dir string
	c   service.Candidate
	ttl time.Duration
}

// leasePoll is how often a candidate looks at the file.
const leasePoll = 50 * time.Millisecond

func (e *leaseElector) Campaign(ctx context.Context) (singleton.Term, error) {
	poll := time.NewTicker(leasePoll)
	defer poll.Stop()
	said := ""
	for {
		var term *leaseTerm
		now, err := proc.Boottime()
		if err == nil {
			err = e.change(func(l *lease) {
				if l.Holder != "" && now < l.Until {
					said = l.Holder + " leads"
					return
				}
				*l = lease{e.c.Name, l.Token + 1, now + e.ttl}
				term = &leaseTerm{e: e, token: l.Token, until: l.Until, lost: make(chan struct{}), over: make(chan struct{})}
			})
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			said = "the engine does not answer"
		case err != nil:
			return nil, err
		case term != nil:
			go term.renew()
			return term, nil
		}
		e.c.Told(said)
		select {
		case <-poll.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// change changes the file under its lock. Without the directory the engine cannot be reached.
func (e *leaseElector) change(do func(*lease)) error {
	f, err := os.OpenFile(filepath.Join(e.dir, "lease"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	var l lease
	content, err := os.ReadFile(f.Name())
	if err == nil && len(content) > 0 {
		err = json.Unmarshal(content, &l)
	}
	if err != nil {
		return err
	}
	do(&l)
	if content, err = json.Marshal(l); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	return err
}

type leaseTerm struct {
	e     *leaseElector
	token uint64
	lost  chan struct{}
	over  chan struct{} // closed by Resign

	mu    sync.Mutex
	until time.Duration
}

func (t *leaseTerm) Token() uint64         { return t.token }
func (t *leaseTerm) Lost() <-chan struct{} { return t.lost }

func (t *leaseTerm) Deadline() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return singleton.DeadlineAt(t.until)
}

func (t *leaseTerm) renew() {
	tick := time.NewTicker(t.e.ttl / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-t.over:
			return
		}
		now, err := proc.Boottime() // before the renewal
		if err != nil {
			continue
		}
		ours := true
		if err := t.e.change(func(l *lease) {
			if ours = l.Token == t.token && l.Holder != "" && now < l.Until; ours {
				l.Until = now + t.e.ttl
			}
		}); err != nil {
			continue // the next try, or the deadline
		}
		if !ours {
			close(t.lost)
			return
		}
		t.mu.Lock()
		t.until = now + t.e.ttl
		t.mu.Unlock()
	}
}

func (t *leaseTerm) Resign(context.Context) error {
	close(t.over)
	return t.e.change(func(l *lease) {
		if l.Token == t.token {
			l.Holder = ""
		}
	})
}
