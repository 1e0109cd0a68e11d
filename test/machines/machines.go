// Package machines keeps what the machines of a cluster show, in memory, for tests.
package machines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A Board is what all machines share. The zero value is empty.
type Board struct {
	mu       sync.Mutex
	machines map[string]singleton.Machine
	attended map[string]map[*Roster]string
	plan     []byte
	revision int64
	planned  int64 // the revision of the plan
	changed  chan struct{}
	away     error
	// Wrote is called with each plan, in their order. It must not use the board.
	Wrote func(plan []byte)
}

// change makes a change, and wakes those who wait for one.
func (b *Board) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begin()
	do()
	b.revision++
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Board) begin() {
	if b.changed == nil {
		b.machines, b.attended, b.changed = map[string]singleton.Machine{}, map[string]map[*Roster]string{}, make(chan struct{})
	}
}

// Show makes a machine show an entry.
func (b *Board) Show(machine string, entry []byte) {
	b.change(func() {
		b.machines[machine] = singleton.Machine{Name: machine, Entry: bytes.Clone(entry), Live: true}
	})
}

// Down makes a machine silent.
func (b *Board) Down(machine string) {
	b.change(func() {
		m := b.machines[machine]
		m.Live = false
		b.machines[machine] = m
	})
}

// Away makes every question fail with that error, until it is nil.
func (b *Board) Away(err error) { b.change(func() { b.away = err }) }

// Roster returns the roster of one command.
func (b *Board) Roster() *Roster { return &Roster{b: b} }

// A Roster is a [singleton.Roster].
type Roster struct{ b *Board }

var _ singleton.Roster = (*Roster)(nil)

// Look returns everything.
func (r *Roster) Look(ctx context.Context) (singleton.Board, error) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begin()
	if err := errors.Join(ctx.Err(), b.away); err != nil {
		return singleton.Board{}, err
	}
	seen := singleton.Board{Plan: bytes.Clone(b.plan), Revision: b.revision, PlanRevision: b.planned}
	for _, name := range slices.Sorted(maps.Keys(b.machines)) {
		m := b.machines[name]
		for _, purpose := range b.attended[name] {
			m.Attended = purpose
		}
		seen.Machines = append(seen.Machines, m)
	}
	return seen, nil
}

// Await blocks until there is a change.
func (r *Roster) Await(ctx context.Context, seen singleton.Board) error {
	b := r.b
	b.mu.Lock()
	changed, now, away := b.changed, b.revision, b.away
	b.mu.Unlock()
	if now != seen.Revision || away != nil {
		return away
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Change replaces the plan.
func (r *Roster) Change(ctx context.Context, seen singleton.Board, plan []byte) (err error) {
	b := r.b
	b.change(func() {
		switch {
		case b.away != nil:
			err = b.away
		case ctx.Err() != nil:
			err = ctx.Err()
		case b.planned != seen.PlanRevision:
			err = singleton.ErrOvertaken
		default:
			b.plan, b.planned = bytes.Clone(plan), b.revision+1
			if b.Wrote != nil {
				b.Wrote(plan)
			}
		}
	})
	return err
}

// Attend shows that a command is at work.
func (r *Roster) Attend(_ context.Context, machine, purpose string) (err error) {
	b := r.b
	b.change(func() {
		if err = b.away; err != nil {
			return
		}
		if b.attended[machine] == nil {
			b.attended[machine] = map[*Roster]string{}
		}
		b.attended[machine][r] = purpose
	})
	return err
}

// Forget removes a machine.
func (r *Roster) Forget(_ context.Context, machine string) (err error) {
	b := r.b
	b.change(func() {
		m, ok := b.machines[machine]
		switch {
		case !ok:
			err = fmt.Errorf("there is no machine %q", machine)
		case m.Live:
			err = fmt.Errorf("%s is live", machine)
		default:
			delete(b.machines, machine)
		}
	})
	return err
}

// Close ends Attend.
func (r *Roster) Close() error {
	r.b.change(func() {
		for _, by := range r.b.attended {
			delete(by, r)
		}
	})
	return nil
}
