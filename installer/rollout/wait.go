package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

const (
	// lookEvery limits the time between two looks, in case that a change is not noticed.
	lookEvery = 30 * time.Second
	// againAfter is the pause after the engine could not be reached.
	againAfter = time.Second
)

// tell tells what the machine waits for, if that has changed.
func (p *Party) tell(text string) {
	if text != p.told {
		p.told = text
		p.Waits(text)
	}
}

// Attend shows that a command is at work on this machine.
func (p *Party) Attend(ctx context.Context) error {
	return p.persist(ctx, func() error { return p.Roster.Attend(ctx, p.Machine, p.SHA256) })
}

// persist calls do until it succeeds or ctx ends. It waits for an engine that cannot be
// reached.
func (p *Party) persist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if err := p.pause(ctx, err); err != nil {
			return err
		}
	}
}

// pause tells a trouble of the engine and pauses. It returns the cause of ctx's end.
func (p *Party) pause(ctx context.Context, trouble error) error {
	if ctx.Err() == nil {
		p.tell(fmt.Sprintf("the cluster's engine: %v", trouble))
	}
	select {
	case <-time.After(againAfter):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// look reads the plan and all machines.
func (p *Party) look(ctx context.Context) (v view, err error) {
	err = p.persist(ctx, func() error { v.board, err = p.Roster.Look(ctx); return err })
	if err != nil {
		return v, err
	}
	for _, m := range v.board.Machines {
		one := machine{name: m.Name, live: m.Live, attended: m.Attended}
		if m.Entry != nil {
			one.Member = p.Member(m.Entry)
		}
		v.machines = append(v.machines, one)
	}
	v.Plan, err = ParsePlan(v.board.Plan)
	return v, err
}

// write replaces the plan that v was read with.
func (p *Party) write(ctx context.Context, v view) error {
	content, err := v.encode()
	if err != nil {
		return err
	}
	return p.Roster.Change(ctx, v.board, content)
}

// change makes a change of the plan. do reports whether there is one to make, and is called
// again if the plan has changed meanwhile, or if it is not known whether the change was made.
func (p *Party) change(ctx context.Context, do func(*view) (bool, error)) error {
	for {
		v, err := p.look(ctx)
		if err != nil {
			return err
		}
		if changed, err := do(&v); err != nil || !changed {
			return err
		}
		err = p.write(ctx, v)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, singleton.ErrOvertaken):
			continue
		}
		if err := p.pause(ctx, err); err != nil {
			return err
		}
	}
}

// wait looks again and again, until decide ends it: with an error, with over, or with a turn
// to take and no obstacle. It opens the rollout when the canaries have settled.
func (p *Party) wait(ctx context.Context, decide func(view) (obstacle string, turn *Turn, over bool, err error)) error {
	for {
		v, err := p.look(ctx)
		if err != nil {
			return err
		}
		obstacle, turn, over, err := decide(v)
		if err != nil || over {
			return err
		}
		if obstacle == "" && turn != nil {
			v.Rollout.set(*turn)
			err = p.write(ctx, v)
			if err == nil {
				p.told = ""
				return nil
			}
		} else {
			p.tell(obstacle)
			if next, opens := p.settle(v); opens {
				v.Rollout.Open = true
				err = p.write(ctx, v)
			} else {
				err = p.await(ctx, v.board, next)
			}
		}
		if err == nil || errors.Is(err, singleton.ErrOvertaken) {
			continue
		}
		if err := p.pause(ctx, err); err != nil {
			return err
		}
	}
}

// await waits for a change, but not longer than d.
func (p *Party) await(ctx context.Context, seen singleton.Board, d time.Duration) error {
	within, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := p.Roster.Await(within, seen)
	if within.Err() != nil {
		return nil //nolint:nilerr // the caller looks again, and its own context may have ended
	}
	return err
}

// settle returns whether the canaries have served for long enough, and otherwise when to look
// again. Each command counts by its own clock, from when it first saw them serve.
func (p *Party) settle(v view) (next time.Duration, opens bool) {
	r := v.Rollout
	if r.Open || r.Stopped || !v.proven() || v.settling() != "" {
		p.settled = time.Time{}
		return lookEvery, false
	}
	if p.settled.IsZero() {
		p.settled = time.Now()
	}
	left := r.CanarySettle - time.Since(p.settled)
	return min(max(left, time.Millisecond), lookEvery), left <= 0
}
